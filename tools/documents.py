"""`python -m tools.documents`: write what the documents repeat from the code.

docs/events.md and its schema are whole files (`tools.events`), and so are the pictures of the dashboard and of days
that are scaled. In docs/architecture.md, docs/operations.md and docs/cost.md, what stands between a line
`<!-- generated: NAME -->` and the next `<!-- end -->` is written here: charts and tables read off the table of keys,
the states, the reactions, the alarms and the prices. The drawback: what a function is named is shown, so a better name
changes the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chalicelib.aws import keys
from chalicelib.core.events import Kind, type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from chalicelib.notifications.reactions import REACTIONS, Reaction
from chalicelib.orders import states
from chalicelib.payments import models as payment_models
from tools import events
from tools.cost import option_prices, scaling_picture, tables
from tools.monitoring import dashboard, draw, pages

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "architecture.md"
PAGES = (PAGE, DOCS / "operations.md", DOCS / "cost.md")
PICTURE = DOCS / "dashboard.svg"
SCALING = DOCS / "scaling.svg"
_PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


class Item(NamedTuple):
    """A row of the table in `chalicelib/aws/keys.py`: what is stored, under which keys, in which indexes."""

    name: str
    pk: str
    sk: str
    gsi1: str
    gsi2: str

    @property
    def is_one_of_many(self) -> bool:
        """Can there be several in one partition?"""
        return not re.fullmatch(r"[A-Z]+", self.sk)


def items() -> list[Item]:
    """The map of the table, row by row, as its docstring says it."""
    lines = [line.strip("|").split("|") for line in str(keys.__doc__).splitlines() if line.startswith("|")]
    return [Item(*(cell.strip() for cell in line)) for line in lines[2:]]


def entities() -> str:
    """Every item as a table, those of one partition together."""
    rows = [_row(item.name, *map(_code, item[1:])) for item in items()]
    return "\n".join(["| item | PK | SK | GSI1 | GSI2 |", "|---|---|---|---|---|", *rows, ""])


def _row(*cells: str) -> str:
    return "|".join(["", *(f" {cell} " if cell else " " for cell in cells), ""])


def _code(cell: str) -> str:
    return f"`{cell}`" if cell else ""


def belongings() -> str:
    """What lies in the partition of what, as an entity chart: one of it (`||--o|`) or many (`||--o{`)."""
    held: dict[str, list[Item]] = {}
    for item in items():
        held.setdefault(item.pk.partition(" or ")[0], []).append(item)
    shared = {pk: found for pk, found in held.items() if "#" in pk and len({item.sk for item in found}) > 1}
    lines = [line for pk, found in shared.items() for line in _belong(keys.family(pk).lower(), found)]
    return _mermaid("erDiagram", "    direction LR", *lines)


def _belong(owner: str, found: Iterable[Item]) -> Iterator[str]:
    """The lines from what a partition is named after to the items in it but the thing itself."""
    for item in found:
        arrow, name = "||--o{" if item.is_one_of_many else "||--o|", re.split("[;:]", item.name)[0]
        if item.is_one_of_many or not name.startswith(owner):
            yield f'    "{owner}" {arrow} "{name}" : "{item.sk}"'


def order_states() -> str:
    """An order's ways, each with who may go it."""
    begins, ends = _begins_and_ends(states.NEXT)
    ways = [
        f"    {current} --> {after} : {', '.join(a for a in states.Actor if after in states.allowed(current, a))}"
        for current, following in states.NEXT.items()
        for after in following
    ]
    return _mermaid("stateDiagram-v2", *begins, *ways, *ends)


def attempt_states() -> str:
    """A payment attempt's ways; the states from which it may still fail are one box, for they lead to the same."""
    begins, ends = _begins_and_ends(payment_models.NEXT)
    undecided = payment_models.predecessors(payment_models.AttemptState.FAILED)
    common = set.intersection(*(set(payment_models.NEXT[each]) for each in undecided)) - set(undecided)
    inner, outer = [], []
    for current, following in payment_models.NEXT.items():
        for after in following:
            if current in undecided and after in undecided:
                inner.append(f"        {current} --> {after}")
            elif current not in undecided or after not in common:
                outer.append(f"    {current} --> {after}")
    box = ['    state "not decided yet" as undecided {', *inner, "    }"]
    shared = [f"    undecided --> {after}" for after in payment_models.AttemptState if after in common]
    return _mermaid("stateDiagram-v2", "    direction LR", *begins, *box, *outer, *shared, *ends)


def _begins_and_ends(following: Mapping[Any, Iterable[Any]]) -> tuple[list[str], list[str]]:
    reached = {state for after in following.values() for state in after}
    begins = [f"    [*] --> {state}" for state in following if state not in reached]
    return begins, [f"    {state} --> [*]" for state, after in following.items() if not after]


def reactions() -> str:
    """What can happen, what the shop does then, and how it is told outside."""
    rows = [_row(f"`{kind}`", _follows(kind), _told(kind)) for kind in Kind]
    return "\n".join(["| what happened | what follows | told as |", "|---|---|---|", *rows, ""])


def _follows(kind: Kind) -> str:
    return ", ".join(map(_in_words, REACTIONS.get(kind, ())))


def _in_words(reaction: Reaction) -> str:
    name = reaction.name or reaction.act.__name__
    words = name.strip("_").replace("_", " ").replace("-", " ")
    return f"{words} (once)" if reaction.name else words


def _told(kind: Kind) -> str:
    name = type_of(kind)
    return f"[`{name}`](events.md#{name.replace('.', '')})" if kind in EVENT_SCHEMAS else ""


def _mermaid(*lines: str) -> str:
    return "\n".join(["```mermaid", *lines, "```", ""])


PARTS: dict[str, Callable[[], str]] = {
    "belongings": belongings,
    "entities": entities,
    "order-states": order_states,
    "attempt-states": attempt_states,
    "reactions": reactions,
    "alarms": pages.alarms,
    "months": tables.months,
    "idle": tables.idle,
    "days": tables.days,
    "options": option_prices.table,
}


def written(text: str) -> str:
    """The page with every generated part as the code has it now."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", text)


def main() -> None:
    """Write every document that repeats code."""
    events.main()
    for page in PAGES:
        page.write_text(written(page.read_text("utf-8")), "utf-8")
    PICTURE.write_text(drawn(), "utf-8")
    SCALING.write_text(scaling_picture.picture(), "utf-8")


def drawn() -> str:
    """The picture of the dashboard."""
    return draw.picture(dashboard.body(), "prod")


if __name__ == "__main__":
    main()
