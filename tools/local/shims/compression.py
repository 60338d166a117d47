"""ministack never compresses what an API answers; API Gateway does what the API's minimumCompressionSize asks for."""

import gzip
from typing import Any

from ministack.services import apigateway_v1 as gateway


def apply() -> None:
    """Make an API compress answers as large as it says, for callers who take that."""
    handle = gateway._handle_execute_in_scope  # noqa: SLF001

    async def handle_and_compress(api_id: str, stage: str, method: str, path: str, headers: Any, *rest: Any) -> Any:
        status, told, body = await handle(api_id, stage, method, path, headers, *rest)
        least = (gateway._rest_apis.get(api_id) or {}).get("minimumCompressionSize")  # noqa: SLF001
        taken = "gzip" in str(gateway._header_ci(headers, "accept-encoding")).lower()  # noqa: SLF001
        if least is None or not taken or len(body) < int(least) or not body:
            return status, told, body
        return status, {**told, "Content-Encoding": "gzip"}, gzip.compress(body, mtime=0)

    gateway._handle_execute_in_scope = handle_and_compress  # noqa: SLF001
