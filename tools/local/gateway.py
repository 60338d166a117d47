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
    LambdaEventConverter,
    LocalGateway,
    LocalGatewayAuthorizer,
    LocalGatewayException,
    MatchResult,
    NotAuthorizedError,
    RouteMatcher,
    ThreadedHTTPServer,
)

from tools.local import beside, encodings, heads
from tools.local.functions import FunctionFailed, call
from tools.local.problems import Problem, cors_headers

LOG = logging.getLogger(__name__)
MAX_BODY_BYTES = 10 * 1024 * 1024
DRAIN_SECONDS = 2.0
SERVER_CODES = {414: "uri_too_long", 501: "not_implemented"}  # of what http.server refuses by itself
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


class Matcher(RouteMatcher):
    """Takes a path for what it says: an address of a host, parameters of a part, and an empty part are none."""

    def match_route(self, url: str) -> MatchResult:
        """The route of a path and query. Raises `ValueError` without one."""
        path, mark, query = url.partition("?")
        if "//" in path:
            message = f"No route has an empty part: {path}"
            raise ValueError(message)
        return super().match_route(path.replace(";", "%3B") + mark + query)


class Gateway(LocalGateway):
    """Routes a request, and answers by itself what never reaches the app."""

    def __init__(self, app_object: Chalice, config: Config) -> None:
        """Let our authorizer take the place of Chalice's."""
        super().__init__(app_object, config)
        self.event_converter = LambdaEventConverter(Matcher(list(app_object.routes)), app_object.api.binary_types)
        self._authorizer = Authorizer(app_object)
        self.binary_types: list[str] = app_object.api.binary_types
        self.least_packed = config.minimum_compression_size

    def _generate_lambda_event(self, method: str, path: str, headers: Event, body: Body) -> Event:
        try:
            event: Event = super()._generate_lambda_event(method, path, headers, body)
        except ValueError as error:
            raise RouteNotFound({}) from error
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
    path: str
    head = heads.Head("GET", "/", "1.1", {})
    length: int
    wbufsize = -1
    timeout = 75

    def __init__(self, request: Any, client_address: Any, server: Any, app_object: Chalice, config: Config) -> None:
        """Let our gateway take the place of Chalice's."""
        self.local_gateway = Gateway(app_object, config)
        super(ChaliceRequestHandler, self).__init__(request, client_address, server)

    def parse_request(self) -> bool:
        """Read the head of a request, or refuse it and hang up."""
        self.command, self.path, self.requestline = "GET", "/", ""
        self.request_version, self.headers = "HTTP/1.1", HTTPMessage()
        self.head = heads.Head("GET", "/", "1.1", {})
        try:
            self.head = heads.read(self.raw_requestline, self.rfile)
            self.command, self.path = self.head.method, self.head.target
            self.length = heads.body_length(self.head.headers, most=MAX_BODY_BYTES)
        except heads.Refused as refused:
            self._refuse(self._problem(refused.status, refused.code, refused.detail))
            return False
        is_old = self.head.version == "1.0"
        self.close_connection = is_old or self.head.headers.get("connection", "").lower() == "close"
        wants_word = not is_old and self.head.headers.get("expect", "").lower() == "100-continue"
        return self.handle_expect_100() if wants_word else True

    def _generic_handle(self) -> None:
        """Answer by the app, or what it leaves to others, such as a distribution before the bucket."""
        path, mark, query = self.path.partition("?")
        if self.command in ("GET", "HEAD") and (found := beside.find(path)):
            self._send_http_response(200, {"Content-Type": found.kind, **beside.HEADERS}, found.content)
            return
        if not path.endswith("//"):  # one slash more is forgiven, as by API Gateway before it looks for a route
            self.path = (path.removesuffix("/") or "/") + mark + query
        try:
            super()._generic_handle()
        except LocalGatewayException as refusal:
            self._refuse(refusal)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_QUERY = _generic_handle  # noqa: N815

    def _parse_payload(self) -> tuple[Event, Body]:
        try:
            raw = self.rfile.read(self.length)
        except TimeoutError:
            raise self._problem(408, "request_timeout", "The body did not come in time.") from None
        if len(raw) < self.length:
            raise self._problem(400, "bad_request", "The body is shorter than Content-Length says.")
        headers = dict(self.head.headers)
        try:
            whole = encodings.unpacked(raw, headers.pop("content-encoding", ""), most=MAX_BODY_BYTES)
        except heads.Refused as refused:
            raise self._problem(refused.status, refused.code, refused.detail) from None
        return headers, self._text(whole) if whole else None

    def _text(self, raw: bytes) -> Body:
        """Bodies reach the function as text, except the types that the app calls binary."""
        if self.head.headers.get("content-type", "") in self.local_gateway.binary_types:
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
            content = self._packed(content, headers)
            headers["Content-Length"] = str(len(content))
        self.send_response(code)
        self._send_headers(headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer, without a word about what this runs on."""
        self.send_response_only(code, message)
        self.send_header("Date", self.date_time_string())

    def _packed(self, content: bytes, headers: Event) -> bytes:
        """The content as the caller takes it; the headers say so."""
        taken, least = self.head.headers.get("accept-encoding", ""), self.local_gateway.least_packed
        small = None if least is None else encodings.packed(content, taken, least=least)
        if small is None:
            return content
        headers["Content-Encoding"] = "gzip"
        return small

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer what `http.server` itself refuses: an unknown method, an endless request line."""
        status = HTTPStatus(code)
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = "HTTP/1.1"  # an answer with a status line, whatever the request line was
        self._refuse(self._problem(code, SERVER_CODES[code], message or status.description or status.phrase))

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
