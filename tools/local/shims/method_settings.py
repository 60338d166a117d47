"""ministack knows what is set for a single method by other names than API Gateway, and by two of its own.

API Gateway spells them `~1products~1{product_id}/GET`, however they came there. What closes the shop sets the throttle
of each by that name.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import apigateway_v1 as gateway

SETTINGS = "methodSettings"
ALL = "*/*"


def apply() -> None:
    """Make stages keep them by one name, and tell them by API Gateway's."""
    create, update = gateway._create_stage, gateway._update_stage  # noqa: SLF001

    def create_by_name(api_id: str, asked: Mapping[str, Any]) -> Any:
        return create(api_id, {**asked, SETTINGS: kept(asked.get(SETTINGS) or {})})

    def update_by_name(api_id: str, stage: str, asked: Mapping[str, Any]) -> Any:
        changes = [{**each, "value": kept(each["value"])} if each.get("path") == f"/{SETTINGS}" else each
                   for each in asked.get("patchOperations", [])]  # fmt: skip
        return update(api_id, stage, {**asked, "patchOperations": changes})

    gateway._create_stage = _telling(create_by_name)  # noqa: SLF001
    gateway._update_stage = _telling(update_by_name)  # noqa: SLF001
    gateway._get_stage = _telling(gateway._get_stage)  # noqa: SLF001


def kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by the names under which ministack looks for them: `/products/{product_id}/GET`."""
    return {_name(key, plain): each for key, each in settings.items()}


def told(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by API Gateway's names."""
    return {_name(key, lambda path: plain(path).replace("/", "~1")): each for key, each in settings.items()}


def plain(path: str) -> str:
    """A path with its slashes, whichever of them were spelled otherwise."""
    return "/" + path.replace("~1", "/").lstrip("/")


def _name(key: str, spelled: Callable[[str], str]) -> str:
    path, _, method = key.rpartition("/")
    return key if key == ALL else f"{spelled(path)}/{method}"


def _telling(answer: Callable[..., Any]) -> Callable[..., Any]:
    """The same, in whose answer settings have API Gateway's names."""

    def answer_by_name(*asked: Any) -> Any:
        status, headers, body = answer(*asked)
        said = json.loads(body)
        if SETTINGS in said:
            body = json.dumps({**said, SETTINGS: told(said[SETTINGS])}).encode()
        return status, headers, body

    return answer_by_name
