"""What the documents promise: that they can be found, that their links lead somewhere, and that they say what the
code says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.api import permissions
from chalicelib.payments.models import RefundState
from chalicelib.webhooks.models import DeliveryState
from tools import documents
from tools.cost import scaling_picture

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
FRONT_DOORS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES = [*FRONT_DOORS, *sorted(DOCS.rglob("*.md"))]
LONGEST_LINE = 100
LONGEST_README = 130
FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")

named = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def targets(page: Path) -> Iterator[tuple[Path, str]]:
    """Every file that a page links to within the project, and the place in it."""
    for link in LINK.findall(prose(page)):
        if "://" not in link and not link.startswith("mailto:"):
            path, _, place = link.partition("#")
            yield ((page.parent / path).resolve() if path else page), place


def places(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found.append(anchor if anchor not in found else f"{anchor}-{found.count(anchor)}")
    return set(found)


def diagrams(page: Path) -> list[str]:
    return re.findall(r"^```mermaid\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


@named
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken = [
        f"{path}#{place}"
        for path, place in targets(page)
        if not path.exists() or (place and path.suffix == ".md" and place not in places(path))
    ]

    assert broken == []


def test_every_page_is_linked_from_the_index_and_every_decision_from_theirs() -> None:
    for index in (INDEX, DOCS / "adr" / "README.md"):
        pages = {page for page in index.parent.glob("*.md") if page != index}

        assert pages - {path for path, _ in targets(index)} == set()


def test_every_page_is_within_reach_of_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]

    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting += [path for path, _ in targets(page) if path.suffix == ".md" and path.exists() and path not in reached]

    assert set(PAGES) - reached == set()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST_README


@named
def test_lines_of_prose_fit_on_a_screen(page: Path) -> None:
    long = [line for line in prose(page).splitlines() if len(line) > LONGEST_LINE and not line.startswith("|")]

    assert long == []


def test_what_repeats_the_code_is_what_the_code_says() -> None:
    text = "".join(page.read_text() for page in documents.PAGES)

    assert documents.written(text) == text, "run `make docs`"
    assert {f"<!-- generated: {name} -->" for name in documents.PARTS} == set(re.findall("<!-- generated.*-->", text))


def test_the_picture_is_what_the_dashboard_is() -> None:
    assert documents.PICTURE.read_text() == documents.drawn(), "run `make docs`"


def test_the_picture_of_scaled_days_is_what_the_simulation_says() -> None:
    assert documents.SCALING.read_text() == scaling_picture.picture(), "run `make docs`"


@pytest.mark.parametrize(("heading", "states"), [("A refund", RefundState), ("A delivery of a webhook", DeliveryState)])
def test_a_diagram_drawn_by_hand_has_every_state_and_no_other(heading: str, states: type[RefundState]) -> None:
    chapter = documents.PAGE.read_text().partition(f"### {heading}\n")[2]
    (drawn, *_) = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", chapter, re.DOTALL)

    assert set(re.findall(r"\b[a-z_]+\b(?= -->)|(?<=--> )[a-z_]+\b", drawn)) == set(states)


def test_the_page_about_the_api_has_every_route_and_no_other() -> None:
    listed = re.findall(r"^\| `([A-Z]+) (/[^`]*)`", (DOCS / "api.md").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted((method, camel(path)) for method, path in permissions.ROUTES)


def camel(path: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), path)


def test_every_diagram_can_be_drawn() -> None:
    """`npm install --no-save mermaid jsdom` in the project's directory makes this one run."""
    node = shutil.which("node")
    if not node or not (ROOT / "node_modules" / "mermaid").exists() or not (ROOT / "node_modules" / "jsdom").exists():
        pytest.skip("node, mermaid and jsdom are not all here")
    sources = [source for page in PAGES for source in diagrams(page)]

    ran = subprocess.run(
        [node, "--input-type=module", "-e", PARSE, *sources],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert sources
    assert ran.returncode == 0, ran.stderr


PARSE = """
import { JSDOM } from "jsdom";
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
for (const source of process.argv.slice(1)) await mermaid.parse(source);
"""


def test_every_reported_fault_has_a_test_and_every_test_of_one_a_rule() -> None:
    section = (DOCS / "rules.md").read_text().partition("## Reported faults (F)")[2].partition("\n## ")[0]
    ruled = re.findall(r"^- (F\d+) ", section, re.MULTILINE)
    marked = {
        number
        for file in (ROOT / "tests").rglob("test_*.py")
        for mark in re.findall(r"mark\.fault\(([^)]*)\)", file.read_text())
        for number in re.findall(r'"([^"]+)"', mark)
    }

    assert len(ruled) == len(set(ruled)) > 0
    assert marked == set(ruled)
