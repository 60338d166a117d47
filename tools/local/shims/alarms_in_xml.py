"""ministack takes and tells a part of an alarm only where it is asked in XML, as Terraform asks; CloudWatch all of it.

Such a call is read by AWS' own description of it, answered as one in JSON, and written by that description again. It
comes after `alarms`, which takes in maths.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, Shape, StructureShape
from ministack.services import cloudwatch

CALLS = {"PutMetricAlarm": "_put_metric_alarm", "DescribeAlarms": "_describe_alarms"}
NUMBERS = {"integer": int, "long": int, "double": float, "float": float}


def apply() -> None:
    """Make both calls whole."""
    for operation, name in CALLS.items():
        setattr(cloudwatch, name, _whole(operation, getattr(cloudwatch, name)))


def _whole(operation: str, answer: Any) -> Any:
    def answer_whole(params: Mapping[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:  # noqa: FBT001, FBT002 - theirs
        if is_cbor or is_json:
            return answer(params, data, is_cbor, is_json)
        flat = {key: value[0] if isinstance(value, list) else value for key, value in params.items()}
        asked = read(_model().operation_model(operation).input_shape, flat)
        status, _, body = answer({}, asked or {}, False, True)  # noqa: FBT003 - theirs
        if status >= 400:  # noqa: PLR2004 - an HTTP status
            return answer(params, data, is_cbor, is_json)
        return cloudwatch._xml(status, f"{operation}Response", written(operation, body))  # noqa: SLF001

    return answer_whole


def read(shape: Shape, flat: Mapping[str, str], at: str = "") -> Any:
    """What the parameters of a call say of a shape, by their dotted names; None where they say nothing."""
    if isinstance(shape, StructureShape):
        members = {name: read(each, flat, f"{at}.{name}" if at else name) for name, each in shape.members.items()}
        return {name: each for name, each in members.items() if each is not None} or None
    if isinstance(shape, ListShape):
        return list(_items(shape, flat, f"{at}.member")) or None
    if at not in flat:
        return None
    if shape.type_name == "boolean":
        return flat[at] == "true"
    return NUMBERS.get(shape.type_name, str)(flat[at])


def _items(shape: ListShape, flat: Mapping[str, str], at: str) -> Iterator[Any]:
    number = 1
    while (item := read(shape.member, flat, f"{at}.{number}")) is not None:
        yield item
        number += 1


def written(operation: str, body: bytes) -> str:
    """The answer as the elements of its shape."""
    shape = _model().operation_model(operation).output_shape
    if shape is None:
        return ""
    name = f"{operation}Result"
    return f"<{name}>{_written(shape, cloudwatch.json.loads(body))}</{name}>"


def _written(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        told = ((name, each) for name, each in shape.members.items() if value.get(name) is not None)
        return "".join(f"<{name}>{_written(each, value[name])}</{name}>" for name, each in told)
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_written(shape.member, each)}</member>" for each in value)
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat()
    if shape.type_name == "boolean":
        return str(value).lower()
    return escape(str(value))


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("cloudwatch")
