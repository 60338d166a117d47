"""axe-core, which looks at a page for what keeps people out of it; fetched from npm once, as it is pinned."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.chromium import Page
from tools import npm
from tools.local.settings import PROJECT

VERSION = "4.14.1"
PACKAGE, FILE = f"axe-core@{VERSION}", "axe.min.js"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"  # of the package as npm packs it
KEPT = PROJECT / ".local" / "axe-core" / VERSION / FILE
GRAVE = ("serious", "critical")
FOUND = """
axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => violations.flatMap(({impact, id, nodes}) =>
  nodes.map((node) => ({impact, id, at: node.target.join(" "), why: node.failureSummary}))))
"""


def script() -> str:
    """What is run in a page. Raises `Refusal` where it cannot be had."""
    if not KEPT.exists():
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=KEPT.parent) as folder:
            package = npm.pack(PACKAGE, Path(folder))
            fetched = Path(folder) / FILE
            fetched.write_bytes(npm.unpacked(package, PACKAGE, SHA256, [FILE])[FILE])
            fetched.replace(KEPT)
    return KEPT.read_text(encoding="utf-8")


def grave(page: Page, script: str) -> list[str]:
    """What is serious or worse on the page as it is now."""
    page.run(f"{script}; null")
    found = page.run(FOUND)
    return [f"{each['id']} at {each['at']}: {each['why']}" for each in found if each["impact"] in GRAVE]
