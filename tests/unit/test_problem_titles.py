"""An answer does not depend on the Python that makes it."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from chalicelib.api import problems


@pytest.mark.parametrize(("status", "title"), [(413, "Content Too Large"), (422, "Unprocessable Content")])
def test_a_title_is_the_present_name_of_its_status_in_http(status: int, title: str) -> None:
    assert problems.problem(status, "code", "Detail.", None)["title"] == title


def test_no_other_status_of_the_shop_has_had_another_name() -> None:
    renamed = {414, 416}  # between Python 3.11 and 3.13, beside those above

    assert not renamed & set(problems._STATUS.values())
    assert problems.problem(404, "code", "Detail.", None)["title"] == HTTPStatus.NOT_FOUND.phrase
