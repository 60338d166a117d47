"""How the suite is shared out among its workers."""

from __future__ import annotations

import pytest

from tests.support import workers

SHOP, RACES = "tests/e2e/test_shop.py", "tests/e2e/test_races.py"
TEMPLATE, PACKAGE = "tests/infra/test_template.py", "tests/infra/test_package.py"
CART, MONEY = "tests/integration/cart/test_abandoned_carts.py", "tests/unit/test_money.py"


@pytest.mark.parametrize(("one", "other"), [(SHOP, RACES), (TEMPLATE, PACKAGE)])
def test_files_that_share_what_takes_long_to_make_go_to_one_worker(one: str, other: str) -> None:
    assert workers.together(one) == workers.together(other)


@pytest.mark.parametrize("file", [CART, MONEY, "tests/infra/test_policies.py"])
def test_every_other_file_goes_by_itself(file: str) -> None:
    assert workers.together(file) == file


def test_what_takes_long_comes_first_and_what_is_short_last() -> None:
    files = [MONEY, CART, TEMPLATE, SHOP]

    assert sorted(files, key=lambda file: workers.place(f"{file}::test_it")) == [SHOP, TEMPLATE, CART, MONEY]
