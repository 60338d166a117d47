"""What went to a stage since the last time, from the changelog and the commits, as a release of the repository.

Its tag, `<stage>-<instant>`, is how the repository knows what serves: the next notes begin there, and the test that
this code's data can be read by the last release takes it from there.
"""

from __future__ import annotations

import re

from chalicelib.core import clock
from tools.delivery import forge
from tools.refusal import Refusal

CHANGELOG = "CHANGELOG.md"
MAX_COMMITS = 200
MAX_CHARACTERS = 100_000  # GitHub takes 125,000
CUT = "\n\n… and more: the history has it all."


def publish(stage: str) -> str:
    """Tag the present commit and tell of it; a line of what came of it. Safe to repeat."""
    commit, tags = forge.git("rev-parse", "HEAD"), f"{stage}-*"
    if told := forge.git("tag", "--points-at", commit, "--list", tags):
        return f"{told.splitlines()[0]} tells of this commit already."
    before = last(tags)
    now = clock.now()
    tag = f"{stage}-{now:%Y%m%dT%H%M%SZ}"
    text = compose(before)
    kept = text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + CUT
    title = f"{stage}, {now:%Y-%m-%d %H:%M} UTC"
    words = ("release", "create", tag, "--repo", forge.repository(), "--target", commit, "--title", title)
    forge.gh(*words, "--notes-file", "-", given=kept)
    return f"{tag} tells what came since {before or 'the beginning'}."


def last(tags: str) -> str | None:
    """The latest such tag in the history of the present commit."""
    try:
        return forge.git("describe", "--tags", "--abbrev=0", "--match", tags)
    except Refusal:
        return None


def compose(before: str | None) -> str:
    """The notes: what the changelog has that it had not then, and the commits since."""
    told = [f"### {heading}\n\n" + "\n".join(lines) for heading, lines in _entries_since(before).items()]
    span = f"{before}..HEAD" if before else "HEAD"
    commits = forge.git("log", "--no-merges", f"--max-count={MAX_COMMITS}", "--format=- %s (%h)", span)
    return "\n\n".join([*told, f"### Commits\n\n{commits or 'None.'}"]) + "\n"


def _entries_since(before: str | None) -> dict[str, list[str]]:
    now = _entries(forge.git("show", f"HEAD:{CHANGELOG}"))
    known = set[str]()
    if before:
        known = {each for entries in _entries(_read_at(before)).values() for each in entries}
    new = {heading: [each for each in entries if each not in known] for heading, entries in now.items()}
    return {heading: entries for heading, entries in new.items() if entries}


def _read_at(before: str) -> str:
    """The changelog as it was then; nothing if there was none."""
    try:
        return forge.git("show", f"{before}:{CHANGELOG}")
    except Refusal:
        return ""


def _entries(changelog: str) -> dict[str, list[str]]:
    """The entries of each `###` heading of all releases, an entry with its further lines."""
    found: dict[str, list[str]] = {}
    for heading, text in re.findall(r"^### (.+)\n((?:(?!^##).*\n?)*)", changelog, re.MULTILINE):
        entries = re.findall(r"^- .*(?:\n  .*)*", text, re.MULTILINE)
        found.setdefault(heading, []).extend(entries)
    return found
