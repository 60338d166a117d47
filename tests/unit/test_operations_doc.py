"""docs/operations.md has an entry for every name that people may be woken by, and for no other."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from tools.monitoring.alarms import ALARMS
from tools.monitoring.queries import QUERIES, SavedQuery

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
MODULES = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in MODULES}
TEMPLATES = {path.name: path.read_text() for path in (ROOT / "infra").iterdir() if path.is_file()}
LEVELS = {"error": "ERROR", "warning": "WARNING"}
ENTRY = re.compile(r"^### `([^`]+)`$", re.MULTILINE)
WIDTH = 100


# --- What the code can say


@cache
def nodes_of(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


class Code:
    """What the syntax trees of all modules can say to people."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources

    def nodes(self) -> Iterator[ast.AST]:
        for source in self.sources.values():
            yield from nodes_of(source)

    def logged(self, function: str) -> Iterator[ast.Call]:
        """Every call of a function of the log."""
        for node in self.nodes():
            asked = node.func if isinstance(node, ast.Call) else None
            if isinstance(asked, ast.Attribute) and asked.attr == function and names(asked.value, "log"):
                yield node
            if isinstance(asked, ast.Name) and asked.id == function == "metric":  # of the log itself
                yield node

    def events(self) -> dict[str, str]:
        """Every log event with its level; "" for one whose level is the library's."""
        found = {text(call.args[0]): level for name, level in LEVELS.items() for call in self.logged(name)}
        dicts = (dict(zip(node.keys, node.values, strict=True)) for node in self.nodes() if isinstance(node, ast.Dict))
        named = (value for each in dicts for key, value in each.items() if key and text(key) == "event")
        return found | {text(value): "" for value in named if isinstance(value, ast.Constant)}

    def metrics(self) -> set[str]:
        """Every metric; one that is looked up in a dictionary may be any of its values."""
        found: set[str] = set()
        for call in self.logged("metric"):
            name = call.args[0]
            found |= self.values_of(ast.unparse(name.value)) if isinstance(name, ast.Subscript) else {text(name)}
        return found

    def values_of(self, dictionary: str) -> set[str]:
        (made,) = (
            node.value for node in self.nodes() if isinstance(node, ast.Assign) and names(node.targets[0], dictionary)
        )
        assert isinstance(made, ast.Dict)
        return {text(value) for value in made.values}

    def members(self, enum: str) -> dict[str, str]:
        """The members of an enumeration with their values."""
        (found,) = (node for node in self.nodes() if isinstance(node, ast.ClassDef) and node.name == enum)
        assigned = [node for node in found.body if isinstance(node, ast.Assign)]
        return {ast.unparse(node.targets[0]): text(node.value) for node in assigned}

    def explanations(self) -> dict[str, list[str]]:
        """The sentences of the catalogue of incidents, by kind."""
        (made,) = (
            node.value for node in self.nodes() if isinstance(node, ast.AnnAssign) and names(node.target, "CATALOGUE")
        )
        assert isinstance(made, ast.Dict)
        said = zip(made.keys, made.values, strict=True)
        return {ast.unparse(k): [text(word.value) for word in v.keywords] for k, v in said if isinstance(v, ast.Call)}


def names(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def text(node: ast.expr) -> str:
    """The string that an expression is; what is none stands for itself, and so has no entry."""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def alarms(templates: Mapping[str, str]) -> set[str]:
    """The names of the alarms of all templates, the stage as `<stage>`."""
    return {
        str(resource["Properties"]["AlarmName"]["Fn::Sub"]).replace("${Stage}", "<stage>")
        for name, template in templates.items()
        for resource in decoded(name, template)["Resources"].values()
        if str(resource.get("Type", "")).endswith("Alarm")
    }


def decoded(name: str, template: str) -> Any:
    return json.loads(template) if name.endswith(".json") else cfn_yaml.loads(template)


# --- What the page says


def chapter(page: str, title: str) -> str:
    """A chapter of the page, without its title."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def entries(page: str, title: str) -> dict[str, str]:
    """The entries of a chapter by name, on one line each; `refund-…` is the entry of all that begins so."""
    parts = ENTRY.split(chapter(page, title))[1:]
    return {name.removesuffix("-…"): " ".join(body.split()) for name, body in zip(parts[::2], parts[1::2], strict=True)}


def rows(page: str, title: str) -> list[str]:
    """The names in the first column of a chapter's table."""
    lines = [line for line in chapter(page, title).splitlines() if line.startswith("| `")]
    return [name for line in lines for name in re.findall("`([^`]+)`", line.split("|")[1])]


# --- The check


def faults(page: str, sources: Mapping[str, str], templates: Mapping[str, str]) -> list[str]:
    """Every way in which the page is not what the code says, in a sentence."""
    code, events = Code(sources), entries(page, "Log events")
    known = code.events()
    kinds = code.members("IncidentKind")
    return [
        *differences("log event", known, events),
        *differences("incident", kinds.values(), entries(page, "Incidents")),
        *differences("alarm", alarms(templates) | {each.name for each in ALARMS}, rows(page, "Alarms")),
        *differences("drift", code.members("DriftKind").values(), rows(page, "Drift")),
        *differences("metric", code.metrics(), rows(page, "Metrics")),
        *wrong_levels(known, events),
        *unsaid(kinds, code, entries(page, "Incidents")),
        *(f"The entries of {title} are not in alphabetical order." for title in unsorted(page)),
    ]


def differences(what: str, known: Any, written: Any) -> Iterator[str]:
    yield from (f"The {what} {name} has no entry." for name in sorted(set(known) - set(written)))
    yield from (
        f"There is an entry for the {what} {name}, which is none." for name in sorted(set(written) - set(known))
    )


def wrong_levels(events: Mapping[str, str], written: Mapping[str, str]) -> Iterator[str]:
    for name, level in events.items():
        if level and name in written and not written[name].startswith(f"{level}. "):
            yield f"The log event {name} is {level}, and its entry does not say so."


def unsaid(kinds: Mapping[str, str], code: Code, written: Mapping[str, str]) -> Iterator[str]:
    """The kinds of incidents that nobody explains, or whose entry says something else than the catalogue."""
    said = code.explanations()
    for member, name in kinds.items():
        sentences = said.get(f"IncidentKind.{member}", [])
        if not sentences or not all(sentence in written.get(name, "") for sentence in sentences):
            yield f"The entry of the incident {name} does not say what the catalogue says."
        if sum(source.count(f"IncidentKind.{member}") for source in code.sources.values()) < 2:
            yield f"Nobody reports the incident {name}."


def unsorted(page: str) -> list[str]:
    return [title for title in ("Log events", "Incidents") if [*entries(page, title)] != sorted(entries(page, title))]


def test_the_page_has_an_entry_for_everything_that_the_code_can_say_and_no_other() -> None:
    assert faults(PAGE, SOURCES, TEMPLATES) == []


def test_the_check_sees_what_there_is() -> None:
    code = Code(SOURCES)

    assert {"SETTLE_FAILED": "ERROR", "UNAVAILABLE": "WARNING", "LIBRARY_LOG": ""}.items() <= code.events().items()
    assert {"SettleFailed", "OrderCreated", "ColdStart", "Revenue"} <= code.metrics()
    assert {"payment-amount", "refund-foreign"} <= {*code.members("IncidentKind").values()}
    assert alarms({"planted.json": ALARM}) == {"new"}
    assert "dead-letters" in rows(PAGE, "Alarms")


def test_alarms_have_one_home() -> None:
    assert alarms(TEMPLATES) == set()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_saved_query_is_the_one_on_the_page(query: SavedQuery) -> None:
    assert f"```\n{query.text}```\n" in PAGE


ALARM = '{"Resources": {"New": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": {"Fn::Sub": "new"}}}}}'
PLANTED = {
    "log.error('NEW', orderId='')": ["The log event NEW has no entry."],
    "log.warning(name)": ["The log event name has no entry."],
    "log.metric('New')": ["The metric New has no entry."],
    "log.error('UNAVAILABLE')\nlog.warning('STRIPE_SILENT')": [
        "The log event STRIPE_SILENT is WARNING, and its entry does not say so.",
    ],
}


@pytest.mark.parametrize("line", PLANTED)
def test_a_name_without_an_entry_is_told(line: str) -> None:
    assert faults(PAGE, {**SOURCES, "planted.py": line}, TEMPLATES) == PLANTED[line]


def test_an_alarm_without_an_entry_is_told() -> None:
    assert faults(PAGE, SOURCES, {**TEMPLATES, "planted.json": ALARM}) == ["The alarm new has no entry."]


@pytest.mark.parametrize(
    ("module", "line", "planted", "told"),
    [
        (
            "chalicelib/orders/incident_kinds.py",
            '    PAYMENT_AMOUNT = "payment-amount"\n',
            '    NEW = "new"\n',
            [
                "The incident new has no entry.",
                "The entry of the incident new does not say what the catalogue says.",
                "Nobody reports the incident new.",
            ],
        ),
        ("chalicelib/reports/models.py", '    STOCK = "stock"\n', '    NEW = "new"\n', ["The drift new has no entry."]),
        (
            "chalicelib/orders/incident_kinds.py",
            'meaning="The order has its payment',
            "",
            ["The entry of the incident other-payment does not say what the catalogue says."],
        ),
    ],
)
def test_a_kind_without_an_entry_and_a_sentence_that_differs_are_told(
    module: str, line: str, planted: str, told: list[str]
) -> None:
    assert SOURCES[module].count(line) == 1
    text = SOURCES[module].replace(line, line + planted if planted else line.replace("order has", "order once had"))

    assert faults(PAGE, {**SOURCES, module: text}, TEMPLATES) == told


STALE = {
    "Log events": ("\n### `ZZZ_OLD`\n\nERROR. Old.\n", "There is an entry for the log event ZZZ_OLD, which is none."),
    "Incidents": ("\n### `zzz-old-…`\n\nOld.\n", "There is an entry for the incident zzz-old, which is none."),
    "Alarms": ("\n| `old` | - | - | - |\n", "There is an entry for the alarm old, which is none."),
    "Drift": ("\n| `old` | - | - |\n", "There is an entry for the drift old, which is none."),
    "Metrics": ("\n| `Old` | - | - |\n", "There is an entry for the metric Old, which is none."),
}


@pytest.mark.parametrize("title", STALE)
def test_an_entry_of_something_that_is_gone_is_told(title: str) -> None:
    text, told = STALE[title]
    body = chapter(PAGE, title)

    assert faults(PAGE.replace(body, body + text), SOURCES, TEMPLATES) == [told]


@pytest.mark.parametrize("title", ["Log events", "Incidents"])
def test_an_entry_says_what_to_do(title: str) -> None:
    assert [name for name, body in entries(PAGE, title).items() if "Do: " not in body] == []


def test_what_is_not_a_table_or_a_command_keeps_within_its_width() -> None:
    assert [line for line in PAGE.splitlines() if len(line) > WIDTH and not line.startswith(("|", " "))] == []
