"""Text as words to be found by."""

from __future__ import annotations

import pytest

from chalicelib.core.errors import Invalid
from chalicelib.products import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Adventure-Ready Backpack", ("adventure", "ready", "backpack")),
        ("Crème brûlée, CRÈME", ("creme", "brulee")),
        ("a 5 XL", ("xl",)),
        ("4K_TV", ("4k", "tv")),
        ("STRASSE straße", ("strasse",)),
        ("ACME\u2122 \U0001d40c\U0001d42e\U0001d420", ("acmetm", "mug")),
        ("हिन्दी किताब", ("हिनदी", "किताब")),
        ("日本酒 京都", ("日本酒", "京都")),
        ("x" * 50, ("x" * 30,)),
        ("…!?", ()),
    ],
)
def test_text_is_cut_into_folded_words(text: str, found: tuple[str, ...]) -> None:
    assert words.of_text(text) == found


def test_a_word_counts_where_it_matters_most_and_a_long_description_up_to_a_limit() -> None:
    long = " ".join(f"word{number}" for number in range(200))

    found = words.of_product("Red mug", "kitchen", f"Red kitchen {long}")

    assert found[:4] == ("red#0", "mug#0", "kitchen#1", "word0#2")
    assert len(found) == words.MAX_WORDS_OF_PRODUCT


def test_a_query_leads_with_its_longest_word_and_needs_one() -> None:
    assert words.of_query("red leather bag") == ("leather", "bag", "red")
    with pytest.raises(Invalid):
        words.of_query("a ! b")


def test_every_word_of_a_query_must_begin_a_word_of_the_product() -> None:
    own = ("leather", "backpack", "brown")

    assert words.all_match(("back", "leath"), own)
    assert not words.all_match(("back", "red"), own)
    assert words.first_match("b", own) == "backpack"
