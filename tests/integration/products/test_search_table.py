"""Sixty queries and more, in ten scripts, and the product that must come first for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import starmap

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws import clients, db
from chalicelib.core import clock, ids
from chalicelib.products import search
from chalicelib.products import service as products
from chalicelib.products import store as product_store
from chalicelib.products.models import Product, id_of
from chalicelib.products.schemas import ProductQuery
from tests.support import emulator
from tests.support.table import load
from tools.testing import table

BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
# Name, category, description and SKU, the oldest first: what comes later is newer and would win among equals.
CATALOGUE: list[tuple[str, str, str, str | None]] = [
    ("iPhone 5", "phones", "A telephone that fits a pocket.", "AP-5/16"),
    ("iPhone 6", "phones", "What came after the iPhone 5, with a bigger screen.", "AP-6/16"),
    ("iPhone 6 case, pack of 5", "phones", "Five cases.", "AP-6/5"),
    ("iPhone 55 toy", "toys", "It does not ring.", None),
    ("The C Programming Language", "books", "A classic.", "BK-1"),
    ("Programming in Rust", "books", "Not about C at all, but compared with it.", "BK-10"),
    ("Cobol programming", "books", "Still running.", "BK-11"),
    ("Vitamin C", "health", "A hundred tablets.", None),
    ("Vitamin D", "health", "Cheap and good, with vitamin C.", None),
    ("Men's T-Shirt", "clothing", "Cotton.", "TS/MEN-1"),
    ("Mens polo", "clothing", "Cotton.", "MEN-0000-0000-0001"),
    ("Womens tshirt", "clothing", "Cotton.", None),
    ("Long dress shirt", "clothing", "Model T of our tailor.", None),
    ("Menu stand", "office", "For menus.", None),
    ("Wifi router", "computers", "Fast.", "WR-300"),
    ("Wi-Fi camera", "computers", "Sees.", "WC.12.34"),
    ("Wi Fi plug", "computers", "Switches.", None),
    ("Wide shelf for fine books", "office", "Oak.", None),
    ("E-mail for beginners", "books", "How to write.", None),
    ("Back pack", "outdoors", "Small.", None),
    ("Backpack", "outdoors", "Large.", None),
    ("Green tea", "food", "From Uji.", "AB-12/3"),
    ("Green mug", "kitchen", "Made for tea.", "AB-12/4"),
    ("Tea towel", "kitchen", "Comes in green.", "AB-12"),
    ("Headphones 3.5mm", "audio", "With a plug.", None),
    ("Lens 35mm", "photo", "For portraits.", None),
    ("Node.js in practice", "books", "Servers.", None),
    ("Rock'n'Roll hits", "music", "Loud.", None),
    ("Smørrebrød board", "kitchen", "Beech.", None),
    ("Łódź poster", "art", "By night.", None),
    ("Weißbierglas", "kitchen", "Half a litre.", None),
    ("Đà Nẵng coffee", "food", "Strong.", None),
    ("K\u0131rm\u0131z\u0131 kilim", "home-decor", "Wool.", None),
    ("Þórshamar pendant", "art", "Silver.", None),
    ("Œuvre complète", "books", "Tout.", None),
    ("Ærø jumper", "clothing", "Wool.", None),
    ("Crème brûlée set", "kitchen", "Four bowls.", None),
    ("茶", "food", "日本の茶。", None),
    ("中国茶具", "kitchen", "紫砂壶一套。", None),
    ("緑茶セット", "food", "京都の抹茶と煎茶。", None),
    ("不锈钢保温杯", "kitchen", "五百毫升, 泡茶用。", None),
    ("日本酒720ml", "food", "純米大吟醸。", None),
    ("パン切りナイフ", "kitchen", "よく切れる。", None),
    ("ミニバン", "toys", "木の車。", None),
    ("ワイヤレスイヤホン", "audio", "ノイズキャンセリング。", None),
    ("おりがみ", "toys", "いろがみ百枚。", None),
    ("여행가방", "outdoors", "바퀴가 달린 가방.", None),
    ("한국어 사전", "books", "단어 십만 개.", None),
    ("블루투스이어폰", "audio", "무선.", None),
    ("Чай зелёный", "food", "Листовой.", None),
    ("Чайник", "kitchen", "Для чая.", None),
    ("Футболка мужская", "clothing", "Хлопок.", None),
    ("Ελληνικός καφές", "food", "Για μπρίκι.", None),
    ("Δρόμος και οδός", "books", "Μυθιστόρημα.", None),
    ("شاي أخضر", "food", "من الصين.", None),
    ("كتاب الطبخ", "books", "وصفات.", None),
    ("ספר בישול", "books", "מתכונים.", None),
    ("हिन्दी किताब", "books", "कहानियाँ.", None),
    ("चाय मसाला", "food", "अदरक के साथ.", None),
    ("ชาเขียวมะลิ", "food", "ชาจากเชียงใหม่", None),
    ("กระเป๋าเดินทาง", "outdoors", "มีล้อ", None),
]
FIRST: list[tuple[str, str]] = [
    # Latin: whole words before beginnings, names before descriptions, all words near each other before others
    ("iphone 5", "iPhone 5"), ("iPhone5", "iPhone 5"), ("5 iphone", "iPhone 5"), ("iphone 6", "iPhone 6"),
    ("c", "Vitamin C"), ("c programming", "The C Programming Language"), ("vitamin c", "Vitamin C"),
    ("programming c language", "The C Programming Language"), ("green tea", "Green tea"), ("tea green", "Green tea"),
    ("gre mug", "Green mug"), ("backpack", "Backpack"), ("back pack", "Backpack"), ("back-pack", "Backpack"),
    # joined and parted
    ("mens polo", "Mens polo"), ("men's polo", "Mens polo"), ("mens tshirt", "Men's T-Shirt"), ("mens", "Mens polo"),
    ("men\u2019s t-shirt", "Men's T-Shirt"), ("t shirt mens", "Men's T-Shirt"), ("tshirt", "Womens tshirt"),
    ("t-shirt", "Womens tshirt"), ("t shirt", "Womens tshirt"), ("wifi", "Wi Fi plug"), ("wi-fi router", "Wifi router"),
    ("wi fi router", "Wifi router"), ("wifi camera", "Wi-Fi camera"), ("wi fi camera", "Wi-Fi camera"),
    ("wifi plug", "Wi Fi plug"), ("wi-fi", "Wi Fi plug"), ("wi fi", "Wi Fi plug"), ("email", "E-mail for beginners"),
    ("e mail", "E-mail for beginners"), ("rocknroll", "Rock'n'Roll hits"), ("rock n roll", "Rock'n'Roll hits"),
    ("nodejs", "Node.js in practice"), ("35mm", "Lens 35mm"), ("3.5mm", "Headphones 3.5mm"),
    # SKUs
    ("AB-12/3", "Green tea"), ("ab-12/3", "Green tea"), ("AB12/4", "Green mug"), ("AB-12", "Tea towel"),
    ("ab123", "Green tea"), ("TS/MEN", "Men's T-Shirt"), ("WC.12.34", "Wi-Fi camera"), ("green AB-12/4", "Green mug"),
    ("MEN-0000-0000-0001", "Mens polo"), ("MEN-0000-0000", "Mens polo"), ("cotton men-0000-0000-0001", "Mens polo"),
    ("WR-3", "Wifi router"), ("BK-1", "The C Programming Language"),
    # letters
    ("smorrebrod", "Smørrebrød board"), ("SMØRREBRØD", "Smørrebrød board"), ("lodz", "Łódź poster"),
    ("weissbier", "Weißbierglas"), ("WEISSBIERGLAS", "Weißbierglas"), ("da nang", "Đà Nẵng coffee"),
    ("kirmizi", "K\u0131rm\u0131z\u0131 kilim"), ("KIRMIZI", "K\u0131rm\u0131z\u0131 kilim"),
    ("thorshamar", "Þórshamar pendant"),
    ("oeuvre", "Œuvre complète"), ("aero", "Ærø jumper"), ("creme brulee", "Crème brûlée set"),
    # Han
    ("茶", "茶"), ("茶具", "中国茶具"), ("中国", "中国茶具"), ("保温杯", "不锈钢保温杯"), ("紫砂壶", "中国茶具"),
    ("日本酒", "日本酒720ml"), ("酒 720ml", "日本酒720ml"), ("抹茶", "緑茶セット"), ("大吟醸", "日本酒720ml"),
    # kana
    ("緑茶セット", "緑茶セット"), ("セット", "緑茶セット"), ("パン", "パン切りナイフ"), ("バン", "ミニバン"),
    ("イヤホン", "ワイヤレスイヤホン"), ("ｲﾔﾎﾝ", "ワイヤレスイヤホン"), ("がみ", "おりがみ"), ("オリガミ", "おりがみ"),
    ("ナイフ パン", "パン切りナイフ"),
    # Hangul
    ("가방", "여행가방"), ("여행 가방", "여행가방"), ("사전", "한국어 사전"), ("이어폰", "블루투스이어폰"),
    ("한국", "한국어 사전"),
    # Cyrillic and Greek
    ("чай", "Чай зелёный"), ("ЗЕЛЕНЫЙ чай", "Чай зелёный"), ("чайник", "Чайник"), ("муж футболка", "Футболка мужская"),
    ("καφες", "Ελληνικός καφές"), ("ΟΔΟΣ", "Δρόμος και οδός"), ("ελληνικοσ", "Ελληνικός καφές"),
    # Arabic and Hebrew
    ("شاي", "شاي أخضر"), ("شاي اخضر", "شاي أخضر"), ("كـتاب", "كتاب الطبخ"), ("בישול", "ספר בישול"),
    # Devanagari and Thai
    ("किताब", "हिन्दी किताब"), ("चाय", "चाय मसाला"), ("ชาเขียว", "ชาเขียวมะลิ"), ("มะลิ", "ชาเขียวมะลิ"),
    ("เดินทาง", "กระเป๋าเดินทาง"), ("เชียงใหม่", "ชาเขียวมะลิ"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _catalogue() -> Iterator[None]:
    """The catalogue with its index, which no test changes, in a table for all of them."""
    with mock_aws(config=emulator.CONFIG):
        clients.forget()
        boto3.client("dynamodb").create_table(**table.definition())
        writes: list[db.Write] = []
        for number, listed in enumerate(CATALOGUE):
            with clock.fixed(BEGIN + timedelta(seconds=number)):
                product = made(*listed)
            places = search.Entry.of(product).items(product.product_id)
            writes += [*product_store.create(product, actor="test"), *starmap(db.put, places.items())]
        load(writes)
        yield
    clients.forget()


def made(name: str, category: str, description: str, sku: str | None) -> Product:
    """A product for sale, as of now."""
    return Product(
        product_id=id_of(sku) if sku else ids.new("prd"),
        name=name,
        description=description,
        price=500,
        currency="USD",
        category=category,
        stock=1,
        is_active=True,
        sku=sku,
        created_at=clock.timestamp(),
        updated_at=clock.timestamp(),
    )


def found(query: str, *, limit: int = 20) -> list[str]:
    names: list[str] = []
    after = None
    while True:
        page, after = products.list_page(ProductQuery(q=query, limit=limit), after)
        names += [product.name for product in page]
        if after is None:
            return names


@pytest.mark.fault("F8")
@pytest.mark.parametrize(("query", "first"), FIRST, ids=[query for query, _ in FIRST])
def test_what_is_looked_for_comes_first(query: str, first: str) -> None:
    assert found(query)[:1] == [first]


@pytest.mark.fault("F8")
@pytest.mark.parametrize("query", ["iphone 5", "wi fi", "t-shirt", "men's", "c", "茶"])
def test_pages_of_one_show_the_same_products_each_once(query: str) -> None:
    one_by_one = found(query, limit=1)

    assert len(one_by_one) == len(set(one_by_one))
    assert set(one_by_one) == set(found(query))


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("queries", "names"),
    [
        (("wifi", "wi-fi", "wi fi", "WI\u2011FI"), {"Wifi router", "Wi-Fi camera", "Wi Fi plug"}),
        (("tshirt", "t-shirt"), {"Men's T-Shirt", "Womens tshirt"}),
        (("mens", "men's", "men\u2019s"), {"Men's T-Shirt", "Mens polo"}),
        (("backpack", "back-pack", "back pack"), {"Back pack", "Backpack"}),
        (("茶",), {"茶", "中国茶具", "緑茶セット", "不锈钢保温杯"}),
        (("iphone 5",), {"iPhone 5", "iPhone 6", "iPhone 6 case, pack of 5"}),
        (("가방",), {"여행가방"}),
    ],
)
def test_every_spelling_finds_every_other(queries: tuple[str, ...], names: set[str]) -> None:
    for query in queries:
        assert names <= set(found(query)), query


@pytest.mark.fault("F25")
def test_the_ninth_word_is_looked_for_as_well() -> None:
    eight = "iphone 6 what came after the with bigger"

    assert found(f"{eight} screen") == ["iPhone 6"]
    assert found(f"{eight} lid") == []
