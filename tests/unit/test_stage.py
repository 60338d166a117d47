"""Which shop the commands work on."""

from __future__ import annotations

import os
from unittest import mock

from tools import stage


def test_the_local_stage_is_at_the_ports_that_the_caller_names() -> None:
    ports = {"STAGE": "local", "PORT": "8350", "CLOUD_PORT": "4750", "PAYMENT_PORT": "4751"}

    with mock.patch.dict(os.environ, {**ports, "PAYMENT_URL": "http://127.0.0.1:1"}):
        stage.enter()
        found = os.environ["PAYMENT_URL"], os.environ["AWS_ENDPOINT_URL"]

    assert found == ("http://127.0.0.1:4751", "http://127.0.0.1:4750")


def test_without_ports_of_its_own_the_local_stage_is_at_the_usual_ones() -> None:
    others = {name: value for name, value in os.environ.items() if not name.endswith("PORT")}

    with mock.patch.dict(os.environ, {**others, "STAGE": "local"}, clear=True):
        stage.enter()
        found = os.environ["PAYMENT_URL"]

    assert found == "http://127.0.0.1:4580"
