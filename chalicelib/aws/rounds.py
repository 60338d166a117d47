"""Lists that a scheduled job goes through a page at a time, run after run, and then from the beginning again.

So a run costs the same however long a list is, and nothing in it waits for ever behind what cannot be done yet. The
place is noted before the page is worked on: whoever dies over it holds up nothing, and comes to it in the next round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chalicelib.aws import db, keys
from chalicelib.core import log

T = TypeVar("T")

Page = tuple[list[T], str | None]


def next_page(job: str, read: Callable[[str | None], Page[T]]) -> list[T]:
    """The page after the one that this job had last, or the first; `read` gives the page behind a position."""
    state = db.get(keys.job(job), consistent=True)
    position: str | None = state["position"] if state and "position" in state else None
    page, following = read(position)
    if following != position:
        _note(job, position, following)
    return page


def _note(job: str, position: str | None, following: str | None) -> None:
    """Note where the next run goes on; where another has noted something meanwhile, that stays."""
    unmoved = "#position = :was" if position else "attribute_not_exists(#position)"
    values = {":was": position} if position else None
    try:
        db.commit(
            db.put(
                keys.job(job),
                {"position": following},
                condition=unmoved,
                values=values,
                names={"#position": "position"},
            )
        )
    except db.Stale:
        log.debug("PAGE_DONE_BY_ANOTHER", job=job)
