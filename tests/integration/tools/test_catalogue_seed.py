"""The demo shop: seeded once, completely, whatever happened before."""

from __future__ import annotations

import pytest

from chalicelib.aws import db, keys
from chalicelib.core.principal import Role
from chalicelib.users import passwords
from chalicelib.users import store as user_store
from tests.support.faults import Crash, crash, injected
from tests.support.table import everything
from tools.local import seed


def test_the_demo_shop_has_products_and_accounts_that_can_log_in(aws: None) -> None:
    seed.seed()

    admin, customer = (user_store.get_by_email(email) for email in (seed.ADMIN, seed.CUSTOMER))
    assert admin is not None
    assert customer is not None
    assert (admin.role, customer.roles) == (Role.ADMIN, [Role.CUSTOMER])
    assert passwords.matches(seed.ACCOUNTS[seed.ADMIN], admin.password_hash)
    assert passwords.matches(seed.ACCOUNTS[seed.CUSTOMER], customer.password_hash)
    assert sum(sk == "METADATA" for _, sk in everything()) == 60


def test_a_seeded_shop_is_left_as_it_is(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    seed.seed()
    gone = next(keys.Key(pk, sk) for pk, sk in everything() if sk == "METADATA")
    db.commit(db.delete(gone))
    before = everything()

    seed.seed()

    assert everything() == before
    assert capsys.readouterr().out.splitlines() == [
        "Seeded the demo shop: 2 accounts, 60 products.",
        "The demo shop was seeded before; it is left as it is.",
    ]


def test_an_interrupted_seeding_is_completed_by_the_next(aws: None) -> None:
    with injected(crash(4, after=True)), pytest.raises(Crash):
        seed.seed()

    seed.seed()

    assert len(everything()) == 60 * 3 + len(seed.ACCOUNTS) * 2 + 1  # the number of admins
