"""What API Gateway does in front of the app, added to the server of `chalice local`."""

import logging
import sys
from http import HTTPStatus
from http.client import HTTPMessage
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    ForbiddenError,
    InvalidAuthorizerError,
    LambdaContext,
    LocalGateway,
    LocalGatewayAuthorizer,
    LocalGatewayException,
    NotAuthorizedError,
    ThreadedHTTPServer,
)

from tools.local.functions import FunctionFailed, call
from tools.local.problems import Problem, cors_headers

LOG = logging.getLogger(__name__)
MAX_BODY_BYTES = 10 * 1024 * 1024
DRAIN_SECONDS = 2.0
Event = dict[str, Any]
Body = Any


class RouteNotFound(LocalGatewayException):
    """No route has this path."""


class Authorizer(LocalGatewayAuthorizer):
    """Understands the one exception by which an authorizer asks for a 401."""

    def authorize(
        self, raw_path: str, lambda_event: Event, lambda_context: LambdaContext
    ) -> tuple[Event, LambdaContext]:
        """Run the route's authorizer, if it has one."""
        try:
            return call(super().authorize, raw_path, lambda_event, lambda_context, passing=(LocalGatewayException,))
        except FunctionFailed as failure:
            kind = NotAuthorizedError if str(failure) == "Unauthorized" else InvalidAuthorizerError
            raise kind({}) from failure


class Gateway(LocalGateway):
    """Routes a request, and answers by itself what never reaches the app."""

    def __init__(self, app_object: Chalice, config: Config) -> None:
        """Let our authorizer take the place of Chalice's."""
        super().__init__(app_object, config)
        self._authorizer = Authorizer(app_object)
        self.binary_types: list[str] = app_object.api.binary_types

    def _generate_lambda_event(self, method: str, path: str, headers: Event, body: Body) -> Event:
        try:
            event: Event = super()._generate_lambda_event(method, path, headers, body)
        except ValueError as error:
            raise RouteNotFound({}) from error
        routes = self._app_object.routes[event["requestContext"]["resourcePath"]]
        if method == "HEAD" and "GET" in routes and "HEAD" not in routes:
            event["requestContext"]["httpMethod"] = "GET"
        return event

    def handle_request(self, method: str, path: str, headers: Event, body: Body) -> Event:
        """The app's answer, or a `Problem`."""
        try:
            return call(super().handle_request, method, path, headers, body, passing=(LocalGatewayException,))
        except RouteNotFound:
            raise self.problem(404, "not_found", "There is no such route.", path) from None
        except NotAuthorizedError:
            raise self.problem(
                401, "unauthorized", "A valid bearer token is needed.", path, {"WWW-Authenticate": "Bearer"}
            ) from None
        except ForbiddenError:
            raise self.problem(403, "forbidden", "This is not allowed.", path) from None
        except (InvalidAuthorizerError, FunctionFailed):
            raise self.problem(500, "internal_error", "The service failed; see its log.", path) from None

    def problem(self, status: int, code: str, detail: str, path: str, headers: dict[str, str] | None = None) -> Problem:
        """A gateway answer that browsers of other origins may read too."""
        return Problem(status, code, detail, path=path, headers={**cors_headers(self._app_object), **(headers or {})})


class GatewayHandler(ChaliceRequestHandler):
    """One connection: reads requests as the gateway would and writes each answer in one piece."""

    local_gateway: Gateway
    disable_nagle_algorithm = True
    path: str  # what `http.server` has read off the request line
    wbufsize = -1
    timeout = 75

    def __init__(self, request: Any, client_address: Any, server: Any, app_object: Chalice, config: Config) -> None:
        """Let our gateway take the place of Chalice's."""
        self.local_gateway = Gateway(app_object, config)
        super(ChaliceRequestHandler, self).__init__(request, client_address, server)

    def _generic_handle(self) -> None:
        path, mark, query = self.path.partition("?")
        self.path = (path.rstrip("/") or "/") + mark + query  # as API Gateway does before it looks for a route
        try:
            super()._generic_handle()
        except LocalGatewayException as refusal:
            self._refuse(refusal)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle  # noqa: N815

    def _parse_payload(self) -> tuple[Event, Body]:
        length = self._content_length()
        raw = self.rfile.read(length)
        if len(raw) < length:
            raise self._problem(400, "bad_request", "The body is shorter than Content-Length says.")
        return dict(self.headers), self._text(raw) if raw else None

    def _content_length(self) -> int:
        if self.headers.get("transfer-encoding"):
            raise self._problem(411, "length_required", "Send the body with a Content-Length, not in chunks.")
        lengths = set(self.headers.get_all("content-length", ["0"]))
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdigit()):
            raise self._problem(400, "bad_request", "Content-Length must be one whole number.")
        digits = text.lstrip("0") or "0"
        if len(digits) > len(str(MAX_BODY_BYTES)) or int(digits) > MAX_BODY_BYTES:
            raise self._problem(413, "payload_too_large", "A body may have at most 10 MB.")
        return int(digits)

    def _text(self, raw: bytes) -> Body:
        """Bodies reach the function as text, except the types that the app calls binary."""
        if self.headers.get("content-type", "") in self.local_gateway.binary_types:
            return raw
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self._problem(400, "invalid_json", "The body is not UTF-8 text.") from None

    def _problem(self, status: int, code: str, detail: str) -> Problem:
        return self.local_gateway.problem(status, code, detail, getattr(self, "path", "/"))

    def _refuse(self, refusal: LocalGatewayException) -> None:
        """Answer although the body was not read, and let the client finish sending before hanging up."""
        self.close_connection = True
        refusal.headers["Connection"] = "close"
        self._send_error_response(refusal)
        self.wfile.flush()
        self.connection.settimeout(DRAIN_SECONDS)
        try:
            left = 8 * MAX_BODY_BYTES
            while left > 0 and (read := self.rfile.read1(65536)):
                left -= len(read)
        except OSError:
            return

    def _send_http_response(self, code: int, headers: Event, body: Body) -> None:
        """Write status, headers and body at once; a HEAD, 204 or 304 has no body."""
        content = body.encode() if isinstance(body, str) else body or b""
        headers.setdefault("Content-Type", "application/json")
        if code in (204, 304):
            content = b""
            del headers["Content-Type"]
        else:
            headers["Content-Length"] = str(len(content))
        self.send_response(code)
        self._send_headers(headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what `http.server` itself refuses: a malformed request line, an unknown method."""
        status = HTTPStatus(code)
        if not hasattr(self, "headers"):
            self.headers = HTTPMessage()
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = "HTTP/1.1"  # an answer with a status line, whatever the request line was
        self._refuse(self._problem(code, status.name.lower(), message or status.description or status.phrase))

    def handle_expect_100(self) -> bool:
        """Tell the client to go on; the answer must not wait in the buffer."""
        proceed: bool = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the app logs its requests."""


class GatewayServer(ThreadedHTTPServer):
    """Takes bursts of connections, and does not mourn clients that hang up."""

    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log what broke a connection, unless it was the client."""
        if not isinstance(sys.exception(), ConnectionError):
            LOG.error("connection broke", exc_info=sys.exception())
