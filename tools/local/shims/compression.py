"""ministack hands bodies on as they come, and answers as the function does; API Gateway unpacks the ones.

The others it packs if they are as large as the API's minimumCompressionSize, for callers who take that.
"""

from typing import Any

from ministack.services import apigateway_v1 as gateway

from tools.local import encodings
from tools.local.heads import Refused

MAX_BODY_BYTES = 10 * 1024 * 1024
REFUSALS = {413: "REQUEST_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}


def apply() -> None:
    """Make an API unpack what it is sent, and pack answers as large as it says."""
    _unpack_requests()
    handle = gateway._handle_execute_in_scope  # noqa: SLF001

    async def handle_and_pack(api_id: str, stage: str, method: str, path: str, headers: Any, *rest: Any) -> Any:
        status, told, body = await handle(api_id, stage, method, path, headers, *rest)
        least = (gateway._rest_apis.get(api_id) or {}).get("minimumCompressionSize")  # noqa: SLF001
        taken = str(gateway._header_ci(headers, "accept-encoding") or "")  # noqa: SLF001
        small = None if least is None or not body else encodings.packed(body, taken, least=int(least))
        return (status, told, body) if small is None else (status, {**told, "Content-Encoding": "gzip"}, small)

    gateway._handle_execute_in_scope = handle_and_pack  # noqa: SLF001


def _unpack_requests() -> None:
    """Refuse what is not packed as it says, before anything is done."""
    execute = gateway._execute_in_scope  # noqa: SLF001

    async def execute_unpacked(
        request: Any, api_id: str, stage: str, method: str, path: str, headers: Any, body: bytes, *rest: Any
    ) -> Any:
        coding = str(gateway._header_ci(headers, "content-encoding") or "")  # noqa: SLF001
        if coding and (known := gateway._stages_v1.get(api_id, {}).get(stage)):  # noqa: SLF001
            request["stage"] = known
            try:
                body = encodings.unpacked(body, coding, most=MAX_BODY_BYTES)
            except Refused as refused:
                return gateway._gw_error(REFUSALS[refused.status], refused.detail)  # noqa: SLF001
            headers = {name: value for name, value in headers.items() if name.lower() != "content-encoding"}
        return await execute(request, api_id, stage, method, path, headers, body, *rest)

    gateway._execute_in_scope = execute_unpacked  # noqa: SLF001
