"""Two ways to a shop: over HTTP, and straight to versions that nobody meets yet."""

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any, Protocol


class Failed(Exception):
    """What went wrong, in one sentence with the step and the answer."""


@dataclass(frozen=True)
class Reply:
    """What the shop said."""

    status: int
    body: Any


class Api(Protocol):
    """A way to the shop."""

    def __call__(
        self, method: str, path: str, body: Any = None, *, resource: str | None = None, **headers: str
    ) -> Reply:
        """One request; `resource` is the route of a path with ids in it."""


@dataclass(frozen=True)
class OverHttp:
    """The shop as everybody meets it."""

    base: str
    timeout: float = 30.0
    api_key: str = ""  # for a stage that asks for one

    def __call__(
        self, method: str, path: str, body: Any = None, *, resource: str | None = None, **headers: str
    ) -> Reply:
        """One request over HTTP."""
        del resource  # the gateway finds it
        data = None if body is None else json.dumps(body).encode()
        known = {"X-Api-Key": self.api_key} if self.api_key else {}
        request = urllib.request.Request(  # noqa: S310 - the address is the stage's own
            self.base + path, data, {"Content-Type": "application/json", **known, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310 - as above
                return _reply(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return _reply(error.code, error.read().decode(errors="replace"))
        except OSError as error:
            raise Failed(f"{method} {path} was not answered: {error}") from error


@dataclass(frozen=True)
class NewVersions:
    """The versions of API and authorizer that nobody meets yet, called as API Gateway would call them."""

    client: Any
    function: str
    authorizer: str

    def __call__(
        self, method: str, path: str, body: Any = None, *, resource: str | None = None, **headers: str
    ) -> Reply:
        """One request, with the caller's context by the authorizer where the route is behind it."""
        context = self._context(headers["Authorization"]) if _is_guarded(path) and "Authorization" in headers else {}
        event = _proxied(method, path, body, resource, {"Content-Type": "application/json", **headers})
        event["requestContext"]["authorizer"] = context
        answer = self._invoke(self.function, event)
        return _reply(int(answer["statusCode"]), answer.get("body") or "")

    def _context(self, token: str) -> dict[str, str]:
        arn = "arn:aws:execute-api:us-east-1:000000000000:smoke/smoke/GET/orders"
        event = {"type": "TOKEN", "authorizationToken": token, "methodArn": arn}
        answer = self._invoke(self.authorizer, event)
        allowed = [each for each in answer["policyDocument"]["Statement"] if each["Effect"] == "Allow"]
        if not allowed:
            raise Failed(f"The authorizer let nobody in: {json.dumps(answer)[:300]}")
        return {**answer["context"], "principalId": answer["principalId"]}

    def _invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        said = self.client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        payload = said["Payload"].read().decode()
        if said.get("FunctionError"):
            raise Failed(f"{function.rpartition('function:')[2]} failed: {payload[:300]}")
        answer: dict[str, Any] = json.loads(payload)
        return answer


def _reply(status: int, text: str) -> Reply:
    try:
        return Reply(status, json.loads(text) if text else None)
    except ValueError:
        return Reply(status, text[:300])


def _is_guarded(path: str) -> bool:
    """Is it behind the authorizer? Carts and what is before logging in are not."""
    return path.startswith(("/orders", "/users"))


def _path_parameters(resource: str, path: str) -> dict[str, str] | None:
    pairs = zip(resource.split("/"), path.split("/"), strict=True)
    return {name[1:-1]: value for name, value in pairs if name.startswith("{")} or None


def _proxied(method: str, path: str, body: Any, resource: str | None, headers: dict[str, str]) -> dict[str, Any]:
    """A request as API Gateway hands it to a function."""
    at, _, query = path.partition("?")
    parameters = dict(part.split("=", 1) for part in query.split("&") if part)
    place = {"resourcePath": resource or at, "httpMethod": method, "path": at}
    return {
        "resource": resource or at,
        "path": at,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": parameters or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in parameters.items()} or None,
        "pathParameters": _path_parameters(resource or at, at),
        "stageVariables": None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            **place,
            "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "smoke"},
        },
    }
