"""ministack keeps the tags of an API, a stage or an API key beside it, and tells those it was made with.

API Gateway tells the present ones. Terraform reads the tags with the API, `make api-key` with the key.
"""

import re
from typing import Any

from ministack.services import apigateway_v1 as gateway

_TAGGED = re.compile(r"arn:aws:apigateway:[^:]*::/(restapis|apikeys)/([^/]+)(?:/stages/(.+))?")


def apply() -> None:
    """Make APIs, stages and keys tell their tags as they are."""
    for name in ("_tag_v1_resource", "_untag_v1_resource"):
        setattr(gateway, name, _telling(getattr(gateway, name)))


def _telling(change: Any) -> Any:
    def change_and_tell(arn: str, asked: Any) -> Any:
        match = _TAGGED.fullmatch(arn)
        tagged = _tagged(*match.groups()) if match else None
        if tagged is None:
            return change(arn, asked)
        gateway._v1_tags[arn] = dict(tagged.get("tags") or {})  # noqa: SLF001
        answer = change(arn, asked)
        tagged["tags"] = dict(gateway._v1_tags[arn])  # noqa: SLF001
        return answer

    return change_and_tell


def _tagged(kind: str, its_id: str, stage: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None
    if stage is None:
        found = (gateway._rest_apis if kind == "restapis" else gateway._api_keys).get(its_id)  # noqa: SLF001
    else:
        found = gateway._stages_v1.get(its_id, {}).get(stage)  # noqa: SLF001
    return found
