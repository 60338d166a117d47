"""What docs/events.md and its schema promise is what the code tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from chalicelib.aws.keys import family
from chalicelib.core.events import Kind, type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from chalicelib.notifications.models import MEANINGS, REMOVED_ONLY
from tools import events
from tools.local import filters

VALIDATOR = Draft202012Validator(json.loads(events.SCHEMA.read_text()))
ENDINGS = {"order.cancelled.v1", "order.expired.v1"}  # other ways that the order of the examples could have gone


def told(kind: Kind) -> dict[str, Any]:
    return dict(json.loads(events.example(kind).body()))


def test_the_page_and_the_schema_are_those_of_the_shapes() -> None:
    assert events.PAGE.read_text() == events.page()
    assert json.loads(events.SCHEMA.read_text()) == events.schema()
    Draft202012Validator.check_schema(events.schema())


@pytest.mark.parametrize("kind", EVENT_SCHEMAS)
def test_the_example_of_each_type_fits_the_schema_and_stands_on_the_page(kind: Kind) -> None:
    VALIDATOR.validate(told(kind))

    assert json.dumps(told(kind), indent=2) in events.PAGE.read_text()


@pytest.mark.parametrize("kind", EVENT_SCHEMAS)
def test_the_example_of_each_type_is_dated_as_real_events_are(kind: Kind) -> None:
    event = told(kind)
    noted = [event["data"][name] for name in ("createdAt", "updatedAt") if name in event["data"]]

    assert event["timestamp"] >= max(noted, default="")
    if "updatedAt" in event["data"] and not kind.startswith("cart"):
        assert event["timestamp"] == event["data"]["updatedAt"]


def test_the_examples_about_one_order_are_in_order_by_version_as_the_page_promises() -> None:
    about = [event for event in map(told, EVENT_SCHEMAS) if "orderId" in event["data"]]
    by_version = sorted(about, key=lambda event: event["data"].get("orderVersion") or event["data"]["version"])
    times = [event["timestamp"] for event in by_version if event["type"] not in ENDINGS]

    assert len(times) > 5
    assert times == sorted(times)


@pytest.mark.parametrize("kind", EVENT_SCHEMAS)
def test_the_schema_refuses_an_event_that_lacks_or_misspells_something(kind: Kind) -> None:
    good = told(kind)
    broken = [{**good, "type": "order.created.v0"}, {k: v for k, v in good.items() if k != "id"}]
    broken += [{**good, "data": {k: v for k, v in good["data"].items() if k != name}} for name in required(kind)]

    for event in broken:
        with pytest.raises(ValidationError):
            VALIDATOR.validate(event)


def required(kind: Kind) -> list[str]:
    return list(events.schema()["$defs"][EVENT_SCHEMAS[kind].__name__]["required"])


def test_every_type_is_told_under_its_kind_with_a_version() -> None:
    assert all(type_of(kind).startswith(kind) and type_of(kind).endswith(".v1") for kind in EVENT_SCHEMAS)


def test_the_deployed_trigger_hands_on_what_can_mean_something_and_nothing_else() -> None:
    families = {partition for partition, _ in MEANINGS}
    known = {"WORD", "CATEGORIES", "IDEM", "EFFECT", "LIMIT", "COUPON", "SIMULATOR", "EMAIL", "HEALTH", *families}

    handed_on = {name for name in known if filters.passes(written(f"{name}#1"), filters.patterns())}

    assert handed_on == families
    for name in REMOVED_ONLY:
        assert filters.passes({**written(f"{name}#1"), "eventName": "REMOVE"}, filters.patterns())
        assert not filters.passes(written(f"{name}#1"), filters.patterns())


def written(pk: str) -> dict[str, Any]:
    assert family(pk)
    return {"eventName": "MODIFY", "dynamodb": {"Keys": {"PK": {"S": pk}, "SK": {"S": "ANY"}}}}
