"""Where a rollback may lead: to versions that are there, on the table that the stage uses."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from tools.refusal import Refusal
from tools.release import aliases
from tools.release.aliases import Served

TO = {"APIHandlerAliaslive": Served("api", "3")}


def known(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], **more: Any) -> None:
    class Functions:
        def get_function_configuration(self, **asked: str) -> dict[str, Any]:
            assert asked == {"FunctionName": "api", "Qualifier": "3"}
            return {"Environment": {"Variables": variables, **more}}

    monkeypatch.setattr(boto3, "client", lambda _: Functions())


def test_a_version_on_the_stages_table_may_serve_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, {"TABLE_NAME": "ecommerce-prod"})

    aliases.require(TO, table="ecommerce-prod")


def test_a_version_from_before_a_restore_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, {"TABLE_NAME": "ecommerce-prod"})

    with pytest.raises(Refusal, match="works on the table ecommerce-prod, and the stage uses ecommerce-prod-restored"):
        aliases.require(TO, table="ecommerce-prod-restored")


def test_a_function_that_uses_no_table_may_serve_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, {})

    aliases.require(TO, table="ecommerce-prod-restored")


def test_a_version_whose_environment_nobody_can_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, {}, Error={"ErrorCode": "KMSAccessDenied", "Message": "The key is pending deletion."})

    with pytest.raises(Refusal, match=r"^Nothing was moved: .* version 3 of api \(The key is pending deletion\.\)"):
        aliases.require(TO, table="ecommerce-prod")
