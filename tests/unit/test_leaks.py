"""The watch over secrets finds what it is for."""

from __future__ import annotations

import pytest

from chalicelib.core import log, schema
from chalicelib.users.schemas import Registration
from tests.support import leaks

BODY = '{"email":"a@example.com","password":"a password to find","firstName":"A","lastName":"B"}'


def test_a_password_in_a_log_line_is_found(standard_time: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "history", list)
    monkeypatch.setattr(leaks, "mails", list)
    watch = leaks.Watch(monkeypatch)
    schema.decode(BODY, Registration)

    log.info("REGISTERED", message="with a password to find")

    with pytest.raises(AssertionError, match="the log contains"):
        watch.check()
