"""Recomputing what the stream keeps: every damage is told and repaired, whatever else happens meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from chalicelib.aws import db, keys, transport
from chalicelib.core import clock
from chalicelib.core.errors import Unavailable
from chalicelib.core.money import Amount
from chalicelib.notifications import service as notifications
from chalicelib.products import search
from chalicelib.products import store as product_store
from chalicelib.products.models import Listing, Product
from chalicelib.products.schemas import NewProduct, ProductChange
from chalicelib.products.search import Entry
from tests.support.faults import Crash, Fault, crash, injected
from tests.support.stream import records
from tests.support.table import everything, load, renew
from tools.recompute import __main__ as command
from tools.recompute import categories
from tools.recompute.run import Run

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

MUG, POT, SECRET, DELETED, GONE = (f"prd_{number:026}" for number in range(1, 6))
BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
LONG = " ".join(f"w{number:03}" for number in range(10))

Table = dict[keys.Key, dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "pause", lambda _: None)


@pytest.fixture
def catalogue(aws: None) -> Table:
    """A mug with many words and a pot, a product not for sale and a deleted one, as the stream has brought them up."""
    add(MUG, name="Blue mug", description=LONG)
    add(POT, name="Pot", second=1)
    add(SECRET, name="Secret", category="office", is_active=False, second=2)
    add(DELETED, name="Old cup", category="office", second=3)
    sell(MUG, 3)
    change(DELETED, None)
    assert notifications.handle(records()) == []
    return everything()


def add(product_id: str, *, second: int = 0, **fields: Any) -> None:
    with clock.fixed(BEGIN + timedelta(seconds=second)):
        new = NewProduct(**{"price": Amount(5), "category": "kitchen", "stock": 10, **fields})
        made = Product.create(new, default_currency="USD")
        load(product_store.create(msgspec.structs.replace(made, product_id=product_id), actor="test"))


def change(product_id: str, wanted: ProductChange | None) -> None:
    """Change a product, or delete it."""
    before = product_store.get_listings([product_id], consistent=True)[product_id]
    after = before.changed(wanted) if wanted else before.deleted()
    db.commit(*product_store.update(before, after, actor="test"))


def sell(product_id: str, quantity: int) -> None:
    db.commit(product_store.reserve(product_id, quantity, price=500, currency="USD"))


def recompute(*, check: bool = False) -> Run:
    run = Run(repairs=not check, workers=1)
    for each in command.RECOMPUTATIONS:
        each(run)
    return run


def derived(table: Table) -> Any:
    """What is kept beside the products, without counts of changes and what is as good as absent."""
    words = {key: item for key, item in table.items() if key.pk.startswith(keys.WORD_PREFIX)}
    notes = {key.pk: {**item, "version": 0} for key, item in table.items() if key.sk == keys.INDEXED_SK}
    numbers = {key.sk: item["count"] for key, item in table.items() if key.pk == keys.category_count().pk}
    shown = {key.pk: item["stock"] for key, item in table.items() if key.sk == keys.PRODUCT_SK}
    return (
        words,
        {pk: note for pk, note in notes.items() if note["terms"]},
        {name: count for name, count in numbers.items() if count},
        shown,
    )


def from_scratch(table: Table) -> Any:
    """The same, computed from the products and their stock items alone."""
    words, notes, numbers, shown = {}, {}, Counter[str](), {}
    for key in [key for key in table if key.sk == keys.PRODUCT_SK]:
        product = msgspec.convert(table[key], Product)
        entry = Entry.of(product)
        shown[key.pk] = table[keys.stock(product.product_id)]["stock"]
        numbers.update([entry.category] if entry.category else [])
        for place, item in entry.items(product.product_id).items():
            words[place] = {"PK": place.pk, "SK": place.sk, **item}
        if entry.terms:
            note = {name: value for name, value in msgspec.to_builtins(entry).items() if value is not None}
            notes[key.pk] = {"PK": key.pk, "SK": keys.INDEXED_SK, **note, "terms": list(entry.terms)}
    return words, notes, dict(numbers), shown


def word(text: str, product_id: str, *, at: str = "2026-11-21T00:00:00.000Z") -> keys.Key:
    return keys.word(f"{text}#0", at, product_id)


def assign(key: keys.Key, **values: Any) -> None:
    """Change some attributes of an item, or remove those that are None."""
    item = everything()[key]
    db.commit(db.put(key, {**item, **values}))


def remove(*those: keys.Key) -> None:
    db.commit(*(db.delete(key) for key in those))


def put(key: keys.Key, **item: Any) -> None:
    db.commit(db.put(key, item))


def leave_a_gone_product() -> None:
    """A product with its note, words and number, of which nothing else is left."""
    add(GONE, name="Ghost", category="attic")
    search.refresh(GONE)
    remove(keys.product(GONE), keys.stock(GONE), keys.stock_movement(GONE, keys.FIRST_MOVEMENT))


def forget_the_index() -> None:
    for key in everything():
        if key.pk.startswith((keys.WORD_PREFIX, keys.category_count().pk)) or key.sk == keys.INDEXED_SK:
            remove(key)


NUMBER, NOTE = keys.category_count("kitchen"), keys.index_entry(MUG)
DAMAGES: dict[str, Callable[[], None]] = {
    "a word is gone": lambda: remove(word("mug", MUG)),
    "a word names other words": lambda: assign(word("mug", MUG), words="mug jug"),
    "a word names another product": lambda: assign(word("mug", MUG), productId=POT),
    "a word has no words": lambda: assign(word("mug", MUG), words=None),
    "a word too many": lambda: put(word("jug", MUG), productId=MUG, words="jug"),
    "a word of another time": lambda: put(word("mug", MUG, at="2025-01-01T00:00:00.000Z"), productId=MUG, words="mug"),
    "a word of a deleted product": lambda: put(word("cup", DELETED), productId=DELETED, words="cup"),
    "a word of no product": lambda: put(word("jug", GONE), productId=GONE, words="jug"),
    "a word that nobody wrote": lambda: put(keys.Key("WORD#??", "??"), productId="?", words="?"),
    "a note is gone": lambda: remove(NOTE),
    "a note has fewer terms": lambda: assign(NOTE, terms=["blue#0"]),
    "a note has more terms": lambda: assign(NOTE, terms=[*everything()[NOTE]["terms"], "jug#0"]),
    "a note is of another time": lambda: assign(NOTE, createdAt="2025-01-01T00:00:00.000Z"),
    "a note counts elsewhere": lambda: assign(NOTE, category="office"),
    "a note counts nowhere": lambda: assign(NOTE, category=None),
    "a note cannot be read": lambda: assign(NOTE, terms="blue", version="one"),
    "a note has no version": lambda: assign(NOTE, version=None),
    "a note of no product": lambda: put(
        keys.index_entry(GONE), terms=["x#0"], category="attic", version=3, createdAt="1"
    ),
    "a number is gone": lambda: remove(NUMBER),
    "a number is too high": lambda: assign(NUMBER, count=7),
    "a number is below none": lambda: assign(NUMBER, count=-1),
    "a number has no count": lambda: assign(NUMBER, count=None),
    "a number has another name": lambda: assign(NUMBER, category="garden"),
    "a number cannot be changed": lambda: assign(NUMBER, version="one"),
    "a number of no product": lambda: put(keys.category_count("attic"), category="attic", count=2, version=1),
    "a stock is shown wrong": lambda: assign(keys.product(MUG), stock=99),
    "a stock is shown as of a later time": lambda: assign(keys.product(MUG), stockVersion=9),
    "a stock is not shown": lambda: assign(keys.product(MUG), stock=None),
    "a product is gone": leave_a_gone_product,
    "nothing is left": forget_the_index,
}


def test_what_the_stream_alone_has_built_is_right_and_stays_as_it_is(catalogue: Table) -> None:
    checked, repaired = recompute(check=True), recompute()

    assert (checked.differing, repaired.differing, repaired.open) == ({}, {}, [])
    assert everything() == catalogue
    assert derived(catalogue) == from_scratch(catalogue)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_is_told_by_a_check_repaired_once_and_not_found_again(catalogue: Table, damage: str) -> None:
    DAMAGES[damage]()
    damaged = everything()

    checked = recompute(check=True)
    untouched = everything()
    repaired, again = recompute(), recompute(check=True)

    assert sum(checked.differing.values()) > 0
    assert untouched == damaged
    assert sum(repaired.differing.values()) > 0
    assert (again.differing, again.open) == ({}, [])
    assert derived(everything()) == derived(catalogue)


def test_the_shop_goes_on_with_what_was_repaired(catalogue: Table) -> None:
    for damage in ("a note cannot be read", "a number cannot be changed", "a stock is shown as of a later time"):
        DAMAGES[damage]()
    recompute()
    seen = len(records())

    change(MUG, ProductChange(category="garden", name="Green mug"))
    sell(MUG, 2)

    assert notifications.handle(records()[seen:]) == []
    assert derived(everything()) == from_scratch(everything())


def restore(table: Table) -> None:
    renew()
    load(db.put(key, item) for key, item in table.items())


def calls_of_a_run() -> int:
    calls = []

    def count(operation: str, _: Any, go_on: Callable[[], Any]) -> Any:
        calls.append(operation)
        return go_on()

    with injected(count):
        recompute()
    return len(calls)


def wreck() -> None:
    """Something wrong of every kind."""
    for damage in ("a word is gone", "a word too many", "a note counts elsewhere", "a stock is shown wrong"):
        DAMAGES[damage]()
    DAMAGES["a number of no product"]()
    remove(keys.index_entry(POT))


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_at_any_call_is_completed_by_the_next(catalogue: Table, *, after: bool) -> None:
    wreck()
    damaged = everything()
    calls = calls_of_a_run()

    for number in range(1, calls + 1):
        restore(damaged)
        with injected(crash(number, after=after)), pytest.raises(Crash):
            recompute()
        recompute()
        assert derived(everything()) == derived(catalogue), number

    assert calls > 20


def edit(name: str) -> None:
    """What the shop may do meanwhile, and the stream right behind it."""
    change(MUG, ProductChange(name=name, category="office", description=""))
    change(POT, ProductChange(is_active=False))
    sell(MUG, 1)
    for product_id in (MUG, POT):
        search.refresh(product_id)
    stock = db.get(keys.stock(MUG), consistent=True) or {}
    with suppress(db.Stale):  # which is the damage
        db.commit(product_store.update_shown_stock(MUG, stock=stock["stock"], version=stock["stockVersion"]))


def before_call(number: int, act: Callable[[], object]) -> Fault:
    """Act once, just before the call of that number."""
    calls = 0

    def fault(_operation: str, _request: Any, go_on: Callable[[], Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            act()
        return go_on()

    return fault


def test_an_edit_before_any_call_is_neither_lost_nor_half_undone(catalogue: Table) -> None:
    wreck()
    assign(keys.product(MUG), stockVersion=50)
    damaged = everything()

    for number in range(1, calls_of_a_run() + 1):
        restore(damaged)
        with injected(before_call(number, partial(edit, f"Cup {number}"))):
            run = recompute()

        about = everything()[keys.product(MUG)]
        assert (about["name"], about["stock"], run.open) == (f"Cup {number}", 6, []), number
        assert derived(everything()) == from_scratch(everything()), number


def test_two_at_once_come_to_the_same_end(catalogue: Table) -> None:
    wreck()
    damaged = everything()

    for number in range(1, calls_of_a_run() + 1, 3):
        restore(damaged)
        with injected(before_call(number, recompute)):
            run = recompute()
        assert (derived(everything()), run.open) == (derived(catalogue), []), number


def test_a_change_that_the_stream_was_about_to_follow_is_no_damage(
    catalogue: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(MUG, ProductChange(name="Cup"))
    sell(MUG, 1)
    monkeypatch.setattr(clock, "pause", lambda _: notifications.handle(records()))

    run = recompute(check=True)

    assert (run.differing, run.open) == ({}, [])


def test_a_number_that_changes_all_the_while_is_not_judged(catalogue: Table) -> None:
    assign(NUMBER, count=7)
    active = [True]

    def toggle(operation: str, _: Any, go_on: Callable[[], Any]) -> Any:
        answer = go_on()
        if operation == "scan":
            active[0] = not active[0]
            change(POT, ProductChange(is_active=active[0]))
            search.refresh(POT)
        return answer

    run = Run(repairs=True, workers=1)
    with injected(toggle):
        categories.recompute(run)

    assert run.open == ["kitchen: its number changed all the while and was not judged."]
    assert everything()[NUMBER]["count"] == 6
    assert recompute().open == []
    assert derived(everything()) == from_scratch(everything())


def test_a_product_that_cannot_be_read_is_named_and_its_words_are_kept(catalogue: Table) -> None:
    assign(keys.product(MUG), name=None)
    words = derived(everything())[0]

    run = recompute()

    assert run.open == [f"{MUG}: its item cannot be read, so its words were left as they are."]
    assert derived(everything())[0] == words


def test_more_than_a_transaction_holds_is_repaired_in_steps(catalogue: Table) -> None:
    for number in range(120):
        put(word(f"stray{number}", MUG), productId=MUG, words="stray")

    run = recompute()

    assert run.differing == {"words in search": 120}
    assert derived(everything()) == derived(catalogue)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "rename", "move", "hide", "delete", "sell", "deliver"]),
        st.integers(0, 4),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


class Story:
    """Products that change, whose stream is heard of in part, late and twice."""

    def __init__(self) -> None:
        self.alive: list[str] = []
        self.added = 0

    def tell(self, step: str, number: int, *, flag: bool) -> None:
        if step == "deliver":
            assert notifications.handle(records()[number if flag else 0 :: number + 1]) == []
        elif step == "add" or not self.alive:
            self.added += 1
            self.alive.append(f"prd_{self.added:026}")
            add(self.alive[-1], name=f"Mug {number}", second=self.added, is_active=flag)
        else:
            self._change(self.alive[number % len(self.alive)], step, number)

    def _change(self, product_id: str, step: str, number: int) -> None:
        listing: Listing = product_store.get_listings([product_id], consistent=True)[product_id]
        changes = {
            "rename": ProductChange(name=f"Cup {number}"),
            "move": ProductChange(category=f"c{number}"),
            "hide": ProductChange(is_active=not listing.product.is_active),
        }
        if step == "sell":
            if listing.is_for_sale and listing.offer.stock:
                sell(product_id, 1)
            return
        change(product_id, changes.get(step))
        if step == "delete":
            self.alive.remove(product_id)


def is_derived(key: keys.Key) -> bool:
    return key.pk.startswith((keys.WORD_PREFIX, keys.category_count().pk)) or key.sk == keys.INDEXED_SK


@given(story=STEPS, lost=st.sets(st.integers(0, 30), max_size=3), data=st.data())
@profile(max_examples=40)
def test_whatever_was_heard_and_lost_a_run_and_the_rest_of_the_stream_lead_to_what_there_would_be_from_scratch(
    aws: None, story: list[tuple[str, int, bool]], lost: set[int], data: st.DataObject
) -> None:
    renew()
    told = Story()
    for step, number, flag in story:
        told.tell(step, number, flag=flag)
    kept = sorted(filter(is_derived, everything()))
    remove(*{kept[number % len(kept)] for number in lost} if kept else ())
    late = data.draw(st.permutations(records()))

    recompute()
    repaired = everything()
    assert notifications.handle(late) == []

    assert derived(repaired) == from_scratch(repaired)
    assert derived(everything()) == derived(repaired)
    assert recompute(check=True).differing == {}


def test_the_command_tells_what_differs_by_its_words_and_its_exit_code(
    catalogue: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    wreck()

    codes = [command.main(arguments) for arguments in (["--check"], [], ["--check"])]

    out, err = capsys.readouterr()
    assert codes == [1, 0, 0]
    first, second, third = out.splitlines()
    assert first.startswith("1 stock in lists, 2 notes of products in search, ")
    assert (first.endswith(" differ."), second.endswith(" differed and are right now.")) == (True, True)
    assert third == "Nothing differs."
    assert f"stock in lists: {MUG}" in err.splitlines()


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Unavailable("The table is too busy."), 2, "It stopped: The table is too busy. Run it again"),
        (transport.RequestError("no permission"), 2, "It stopped: no permission. Run it again"),
        (KeyboardInterrupt(), 130, "It was interrupted"),
    ],
)
def test_a_run_that_has_to_stop_says_so_in_one_sentence(
    catalogue: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    error: BaseException, code: int, words: str,
) -> None:  # fmt: skip
    def stop(_: Run) -> None:
        raise error

    monkeypatch.setattr(command, "RECOMPUTATIONS", (stop,))

    assert command.main([]) == code
    assert capsys.readouterr().err.startswith(words)
