"""The gateway's own answers as RFC 9457 problem documents, in the shape that the app uses."""

import uuid
from typing import Any

from chalice.app import CORSConfig
from chalice.local import LocalGatewayException

from chalicelib.api import problems
from chalicelib.core import schema


class Problem(LocalGatewayException):
    """An answer that never reached the app."""

    def __init__(self, status: int, code: str, detail: str, *, path: str, headers: dict[str, str]) -> None:
        """`code` is the stable name of what is wrong, `path` what was asked for."""
        request_id = str(uuid.uuid4())
        said = {"instance": path.partition("?")[0], "requestId": request_id}
        document = problems.problem(status, code, detail, None) | said
        own = {"Content-Type": problems.CONTENT_TYPE, "X-Request-Id": request_id, "x-amzn-RequestId": request_id}
        super().__init__({**headers, **own}, schema.encode(document).encode())
        self.CODE = status


def cors_headers(app: Any) -> dict[str, str]:
    """The headers that the app's routes carry, for the answers that the gateway gives by itself."""
    cors = app.api.cors
    config = cors if isinstance(cors, CORSConfig) else CORSConfig()
    return {name: str(value) for name, value in config.get_access_control_headers().items()}
