"""Lists, item by item, whatever the size of the pages that they come in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
Page = tuple[Sequence[T], str | None]


def walk(read: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Every item of a list; `read` gives the page at a cursor, and the next cursor, None at the end."""
    items, cursor = read(None)
    yield from items
    while cursor is not None:
        items, cursor = read(cursor)
        yield from items


async def walk_async(read: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """The same, asynchronously."""
    items, cursor = await read(None)
    for item in items:
        yield item
    while cursor is not None:
        items, cursor = await read(cursor)
        for item in items:
            yield item
