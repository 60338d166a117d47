"""Text as words to be found by."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import Invalid
from chalicelib.core.scripts import is_unspaced
from chalicelib.products import letters, queries, words
from tools.local.settings import PROJECT

IMPORTED = """
import sys
from chalicelib.products import browsing, letters
letters.folded("plain text, \\u65e5\\u672c\\u9152, cr\\u00e8me")
assert "anyascii" not in sys.modules
letters.folded("sm\\u00f8rrebr\\u00f8d")
assert "anyascii" in sys.modules
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Adventure-Ready Backpack", ("adventure", "ready", "adventureready", "backpack")),
        ("Crème brûlée, CRÈME", ("creme", "brulee")),
        ("a 5 XL", ("a", "5", "xl")),
        ("4K_TV", ("4k", "tv", "4ktv")),
        ("STRASSE straße", ("strasse",)),
        ("ACME\u2122 \U0001d40c\U0001d42e\U0001d420", ("acmetm", "mug")),
        ("日本酒 京都", ("日本酒", "本酒", "酒", "京都", "都")),
        ("お茶セット720ml", ("お茶せ", "茶せっ", "せっと", "っと", "と", "720ml")),
        ("여행가방", ("여행가", "행가방", "가방", "방")),
        ("ปู่", ("ปู่",)),
        ("x" * 70, ("x" * 64,)),
        ("…!?", ()),
        ("❤\ufe0f 5\ufe0f\u20e3", ("5",)),
    ],
)
def test_text_is_cut_into_folded_words(text: str, found: tuple[str, ...]) -> None:
    assert words.of_text(text) == found


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Smørrebrød ŁÓDŹ straße ÆGIR Đà I\u011fd\u0131r", "smorrebrod lodz strasse aegir da igdir"),
        ("Þór œuvre ŋ ħ ŧ ə", "thor oeuvre ng h t e"),
        ("Ärger Öl ﬁn İzmir Å", "arger ol fin izmir a"),
        ("ΟΔΟΣ όδος", "οδοσ οδοσ"),
        ("ЁЖ й", "еж и"),
        ("パン バン ﾊﾞﾝ か が", "ぱん ばん ばん か が"),
        ("한국", "한국"),
        ("أحمد كتـاب كِتَاب", "احمد كتاب كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी ज़", "हिन्दी ज"),
        ("ถุง ถูง", "ถุง ถูง"),
        ("\u0665 ५ \uff15 ②", "5 5 5 2"),
        ("men\u2019s men\u02bcs men`s men\u00b4s", "men's men's men's men's"),
        ("Men`s", "men's"),
        ("2\u00d73", "2x3"),
        ("wi\u00adfi wi\u200bfi a\u200cb", "wifi wifi a-b"),
    ],
)  # fmt: skip
def test_letters_are_found_however_they_are_typed(text: str, plain: str) -> None:
    assert letters.folded(text) == plain


@pytest.mark.fault("F8")
def test_the_table_of_letters_is_loaded_only_for_letters_that_need_it() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTED], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("letter", "unspaced"),
    [("", False), ("a", False), ("я", False), ("ि", False), ("ก", True), ("ລ", True), ("ក", True), ("က", True),
     ("茶", True), ("の", True), ("ー", True), ("々", True), ("가", True), ("𠮷", True), ("ა", False), ("ᄀ", True),
     ("、", False), ("\ue000", False), ("\U0001f600", False)],
)  # fmt: skip
def test_scripts_without_blanks_are_known(letter: str, unspaced: bool) -> None:  # noqa: FBT001 - a table
    assert is_unspaced(letter) is unspaced


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("Men's jacket", {"men", "mens"}),
        ("T-Shirt", {"t", "shirt", "tshirt"}),
        ("t shirt", {"t", "shirt", "tshirt"}),
        ("Wi\u2011Fi", {"wi", "fi", "wifi"}),
        ("wi fi", {"wi", "fi", "wifi"}),
        ("Rock'n'roll", {"rock", "n", "roll", "rocknroll"}),
        ("U.S.A. L'eau", {"usa", "l", "eau", "leau"}),
        ("iPhone 5", {"iphone", "5", "iphone5"}),
        ("Board 10 x 20", {"10", "x", "20", "10x20"}),
        ("Box 10 x 20 X 30 cm", {"10x20x30", "20x30", "10x20x30cm"}),
        ("Box 10 \u00d7 20", {"10x20"}),
    ],
)
def test_a_name_is_found_joined_and_parted(name: str, also: set[str]) -> None:
    assert also <= set(words.of_name(name))


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("name", "never"),
    [("3.5mm", "35mm"), ('1/2"', "12"), ("10 20", "1020"), ("Stoneware Mug", "stonewaremug"), ("Men's", "s"),
     ("10 xl 20", "10xl20"), ("a x 20", "ax20"), ("1 x 2 x 3 x 4 x 5 x 6 x 7 x 8 x 9", "1x2x3x4x5x6x7x8x9")],
)  # fmt: skip
def test_what_nobody_would_join_is_not(name: str, never: str) -> None:
    assert never not in words.of_name(name)


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("sku", "found"),
    [("AB-12/3", ("ab123",)), ("x" * 64, ("x" * 64,)), ("904.990.94", ("904", "990", "94")), ("---", ()), ("7", ("7",)),
     ("6579c22f-be2b-444c-a52b-0116dd82df6c", ("6579c22fbe2b444ca52b0116dd82df6c",))],
)  # fmt: skip
def test_a_sku_is_one_word_without_its_punctuation(sku: str, found: tuple[str, ...]) -> None:
    assert words.of_sku(sku) == found


def test_a_word_counts_where_it_matters_most_and_a_long_description_up_to_a_limit() -> None:
    long = " ".join(f"word{number}" for number in range(200))

    found = words.of_product("Red mug", "kitchen", f"Red kitchen {long}")

    assert found[:5] == ("red#0", "mug#0", "redmug#0", "kitchen#1", "word0#2")
    assert len(found) == words.MAX_WORDS_OF_PRODUCT


@pytest.mark.fault("F8")
def test_category_and_sku_count_however_long_the_name_is() -> None:
    found = words.of_product("茶" + "国" * 199, "home-decor", "x " * 100, "AB-1")

    assert {"home#1", "decor#1", "homedecor#1", "ab1#-1"} <= set(found)
    assert len(found) <= words.MAX_WORDS_OF_PRODUCT


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    "description", ["茶の湯" * 1666, "Wi-Fi men's t-shirt " * 250, "a b c d " * 625, "ชาเขียว" * 700]
)
def test_no_description_takes_more_items_than_one_transaction_holds(description: str) -> None:
    found = words.of_product("茶" * 200, "home-decor", description, "AB-12/3")

    assert len(found) <= words.MAX_WORDS_OF_PRODUCT
    assert sum(len(words.of_term(term)[0].encode()) + 1 for term in found) < 1000


def test_a_query_leads_with_its_rarest_word_and_needs_one() -> None:
    assert queries.of_text("red leather bag").walks == ("redleather", "leather")
    assert queries.of_text("large iphone 5").walks == ("iphone5", "5")
    assert queries.of_text("wifi the 日本").walks == ("日本",)
    with pytest.raises(Invalid):
        queries.of_text("- ! …")


@pytest.mark.fault("F25")
def test_every_word_of_a_query_is_looked_for_or_refused() -> None:
    many = " ".join(f"w{number:03}" for number in range(40))

    assert len(queries.of_text(many).words) == 40
    assert queries.of_text(many).cost(own(*many.split()[:-1])) is None
    assert queries.of_text("a ! b").words == ("a", "b")
    assert queries.of_text("日本酒セット").words == ("日本酒", "本酒せ", "酒せっ", "せっと")
    with pytest.raises(Invalid) as refused:
        queries.of_text("x" * 65)
    assert "64 letters" in refused.value.errors[0].detail


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("leather", 1), ("leather backpack", 2), ("backpack wifi", 2), ("back leath", 8), ("back red", None),
        ("brown", 3), ("wi fi", 1), ("wi-fi brown", 4), ("f", None), ("c", 3), ("fi", None),
    ],
)  # fmt: skip
def test_a_product_is_found_by_all_words_and_the_nearer_the_better(query: str, cost: int | None) -> None:
    product = queries.Own.of({"leather": 0, "backpack": 0, "wifi": 0, "bags": 1, "brown": 2, "c": 2}.items())

    assert queries.of_text(query).cost(product) == cost


@pytest.mark.fault("F8")
@pytest.mark.parametrize("wanted", ["10x20", "10 x 20", "10 X 20", "10\u00d720", "10 \u00d7 20", "10x 20", "10 x20"])
@pytest.mark.parametrize("name", ["Board 10x20", "Board 10 x 20", "Board 10x20x30", "Board 10 \u00d7 20 \u00d7 30"])
def test_measures_are_found_joined_and_parted(wanted: str, name: str) -> None:
    board = own(*words.of_name(name))
    query = queries.of_text(wanted)

    walk, word = query.place(board) or (-1, "")

    assert word.startswith(query.walks[walk])
    assert queries.of_text(f"{wanted} board").cost(board) is not None
    assert queries.of_text(f"{wanted} lamp").cost(board) is None


@pytest.mark.fault("F8")
@pytest.mark.parametrize("wanted", ["10x20cm", "10 x 20 cm", "10x20 cm", "10 x 20cm"])
@pytest.mark.parametrize("name", ["Board 10x20cm", "Board 10 x 20 cm", "Board 10x20 cm", "Board 10 x 20cm"])
def test_a_measure_may_have_its_unit(wanted: str, name: str) -> None:
    assert queries.of_text(wanted).place(own(*words.of_name(name))) is not None


def test_a_product_is_shown_in_one_walk_and_under_one_word() -> None:
    product = own("wi", "fi", "wifi", "wide", "fine", "router")

    assert queries.of_text("wi fi").place(product) == (0, "wifi")
    assert queries.of_text("wi fi").place(own("wide", "fine", "find")) == (1, "find")
    assert queries.of_text("wi router").place(product) == (1, "router")
    assert queries.of_text("w router").place(product) is None
    assert queries.of_text("t shirt a").place(own("tshirt", "a")) == (0, "tshirt")


TYPED = st.lists(
    st.sampled_from(
        [
            "a",
            "t",
            "10",
            "20",
            "x",
            "wi",
            "fi",
            "shirt",
            "t-shirt",
            "10x20",
            "cm",
            "5",
            "wi-fi",
            "men's",
            "3.5",
            "30cm",
            "x20",
            "茶道具",
        ]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)


@pytest.mark.fault("F8")
@given(name=TYPED, wanted=TYPED)
def test_a_product_that_has_all_words_has_its_place_in_a_walk(name: str, wanted: str) -> None:
    query, product = queries.of_text(wanted), own(*words.of_name(name))

    walk, word = query.place(product) or (None, "")

    assert (walk is None) is (query.cost(product) is None)
    assert walk is None or word.startswith(query.walks[walk])


def own(*found: str) -> queries.Own:
    return queries.Own.of((word, words.NAME) for word in found)
