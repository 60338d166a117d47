"""ministack writes what UpdateRestApi patches as it is spelled; API Gateway keeps a list of types, and a number.

Terraform sends both after it has put an API's definition, and reads them back.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1 as gateway

BINARY_TYPES = "/binaryMediaTypes/"
COMPRESSION = "minimumCompressionSize"


def apply() -> None:
    """Make the local AWS keep them so."""
    update = gateway._update_rest_api  # noqa: SLF001

    def update_by_kind(api_id: str, asked: Mapping[str, Any]) -> Any:
        api, operations = gateway._rest_apis.get(api_id), asked.get("patchOperations", [])  # noqa: SLF001
        others = [each for each in operations if not each.get("path", "").startswith(BINARY_TYPES)]
        if api is None:
            return update(api_id, asked)
        update(api_id, {**asked, "patchOperations": others})
        api["binaryMediaTypes"] = patched(api.get("binaryMediaTypes") or [], operations)
        if COMPRESSION in api:
            api[COMPRESSION] = int(api[COMPRESSION]) if api[COMPRESSION] else None
        return gateway._v1_response(gateway._rest_api_view(api))  # noqa: SLF001

    gateway._update_rest_api = update_by_kind  # noqa: SLF001


def patched(types: list[str], operations: list[dict[str, Any]]) -> list[str]:
    """The media types after the operations that are about them."""
    kept = dict.fromkeys(types)
    for each in operations:
        if not each.get("path", "").startswith(BINARY_TYPES):
            continue
        named = each["path"].removeprefix(BINARY_TYPES).replace("~1", "/").replace("~0", "~")
        kept.pop(named, None)
        if each["op"] != "remove":
            kept[each.get("value") or named] = None
    return [*kept]
