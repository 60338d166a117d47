"""A function that acts is a verb: one whose name is a participle (`taken`, `_judged`) only tells what is the case."""

from __future__ import annotations

import pytest

from tests.unit.architecture.calls import Calls
from tests.unit.architecture.tree import Offence, Tree, planted, project, require_none

# Participles that do not end in -ed. Where one is the verb's own form as well (put, set, let, read, run), it is a verb.
IRREGULAR = {
    "begun", "bitten", "blown", "born", "bound", "broken", "brought", "built", "bought", "burnt", "caught", "chosen",
    "dealt", "done", "drawn", "driven", "eaten", "fallen", "fed", "felt", "found", "forgiven", "forgotten", "frozen",
    "given", "gone", "grown", "had", "heard", "held", "hidden", "kept", "known", "laid", "led", "left", "lent", "lost",
    "made", "meant", "met", "paid", "proven", "risen", "said", "seen", "sent", "shown", "sold", "sought",
    "spent", "spoken", "spun", "stolen", "stood", "stuck", "sworn", "swept", "taken", "taught", "thought", "thrown",
    "told", "torn", "understood", "undone", "unheard", "withdrawn", "withheld", "won", "worn", "written",
}  # fmt: skip
VERBS_IN_ED = {"bleed", "breed", "embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed", "succeed"}


# --- The rule


def acting_participles(tree: Tree) -> list[Offence]:
    """Functions named for a state that reach a write, a message, money or a thread."""
    calls = Calls(tree)
    return [
        Offence(
            place.path,
            calls.functions[place].lineno,
            f"{place.name} acts, by {way}; name it by its verb, or let the caller act",
        )
        for place, way in calls.acts.items()
        if is_participle(place.name)
    ]


def is_participle(name: str) -> bool:
    """Is the first word of a function's name a past participle?"""
    first = name.rpartition(".")[2].lstrip("_").partition("_")[0]
    return first in IRREGULAR or (first.endswith("ed") and first not in VERBS_IN_ED)


# --- What it holds to, and that it sees


def test_a_function_that_acts_is_a_verb() -> None:
    require_none(acting_participles)


def test_a_participle_that_acts_is_seen_with_the_way_by_which_it_does() -> None:
    # What stands above a function `taken`, what stands in it, and the way.
    ways = {
        "afar": (
            "from chalicelib.payments import service as payments",
            "[payments.void(each, each) for each in 'ab']",
            "payments.void > Provider.void",
        ),
        "alone": (
            "class Lone:\n    def go_alone(self):\n        Lone.go_on()\n\n    def go_on():\n        Thread()",
            "one.go_alone()",
            "Lone.go_alone > Lone.go_on > Thread",
        ),
        "directly": (
            "from chalicelib.aws import db",
            "db.commit()",
            "db.commit",
        ),
        "inner": (
            "class Nook:\n    def go(self):\n        Thread(target=print)",
            "Nook().go()",
            "Nook.go > Thread",
        ),
        "inwards": (
            "from chalicelib.aws.db import batch_put\n\n\ndef go():\n    batch_put([])",
            "go()",
            "inwards.go > db.batch_put",
        ),
        "named": (
            "from chalicelib.aws import clients",
            "one = clients.ses(); one.send_email()",
            "a client's send_email",
        ),
        "passed": (
            "from chalicelib.aws import db, s3\n\n\ndef attempt():\n    s3.delete('key')",
            "db.retry_on_conflict(attempt)",
            "passed.attempt > s3.delete",
        ),
        "typed": (
            "class Desk:\n    def close_desk(self):\n        connection.request('POST', '/')",
            "desk: Desk | None = find(); desk.close_desk()",
            "Desk.close_desk > a POST request",
        ),
        "unknown": (
            "from chalicelib.aws import transport",
            "transport.call(str(1))",
            "transport.call",
        ),
    }

    offences = planted(
        acting_participles,
        {f"tools/{name}.py": f"{top}\n\n\ndef taken():\n    {body}\n" for name, (top, body, _) in ways.items()},
    )

    assert [each.partition(": ")[2] for each in offences] == [
        f"taken acts, by {way}; name it by its verb, or let the caller act" for _, _, way in ways.values()
    ]


def test_a_participle_that_only_reads_or_says_what_is_to_be_written_is_none() -> None:
    harmless = {
        "reads": "from chalicelib.aws import db\n\n\ndef taken():\n    return db.get('key'), db.query('index')\n",
        "asks": "from chalicelib.aws import clients\n\n\ndef taken():\n    return clients.sqs().get_queue_url()\n",
        "queries": "from chalicelib.aws import transport\n\n\ndef taken():\n    return transport.call('query')\n",
        "says": "from chalicelib.orders import store\n\n\ndef taken(order):\n    return store.create(order)\n",
        "models": "def taken(order, refund):\n    return order.refund(1), refund.void()\n",
        "foreign": (
            "from chalicelib.aws import clients\n\n\nclass Lone:\n    def go_alone(self):\n        Thread()\n\n\n"
            "def taken():\n    client = clients.s3()\n    client.meta.go_alone()\n    clients.s3().meta.go_alone()\n"
        ),
        "verbs": "from chalicelib.aws import db\n\n\ndef seed():\n    db.commit()\n",
    }

    assert planted(acting_participles, {f"tools/{name}.py": text for name, text in harmless.items()}) == []


@pytest.mark.parametrize("name", ["_told", "Order.settled", "given_up", "indexed", "_unheard"])
def test_a_participle_is_known_by_its_first_word(name: str) -> None:
    assert is_participle(name)


@pytest.mark.parametrize("name", ["put_item", "set_role", "seed", "need_payment", "let_in", "run", "__init__"])
def test_a_verb_is_no_participle(name: str) -> None:
    assert not is_participle(name)


def test_calls_are_followed_to_where_the_services_act() -> None:
    acting = {place.path for place in Calls(project()).acts}

    services = {path for path in project() if path.startswith("chalicelib/") and path.endswith("/service.py")}
    assert services
    assert services - acting == set()
