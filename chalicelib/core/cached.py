"""A value that is read when it is first needed and kept for some seconds, in each process for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from chalicelib.core import clock

T = TypeVar("T")


class Cached(Generic[T]):
    """What `read` gives, read again when it is older than `seconds`; of several threads one reads.

    When `read` fails with an error of `keep_stale_on`, a value that is known stays in use and `on_stale` is called;
    the next use reads again. Every other error is the caller's, and so is the first.
    """

    def __init__(
        self,
        read: Callable[[], T],
        *,
        seconds: float,
        keep_stale_on: type[Exception] | tuple[type[Exception], ...] = (),
        on_stale: Callable[[], None] = lambda: None,
    ) -> None:
        self._read, self._seconds = read, seconds
        self._keep_stale_on, self._on_stale = keep_stale_on, on_stale
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self, *, max_age: float | None = None, keep_stale: bool = True) -> T:
        """The value, as read at most `seconds` ago, or `max_age` seconds where that is given.

        Without `keep_stale` the error of a failed read is the caller's; the known value stays for the next.
        """
        with self._lock:
            if self._kept is None or clock.monotonic() - self._kept[0] > (
                self._seconds if max_age is None else max_age
            ):
                self._kept = self._renew(keep_stale=keep_stale)
            return self._kept[1]

    def forget(self) -> None:
        """Drop the value, so that the next use reads it."""
        with self._lock:
            self._kept = None

    def _renew(self, *, keep_stale: bool) -> tuple[float, T]:
        try:
            return clock.monotonic(), self._read()
        except self._keep_stale_on:
            if self._kept is None or not keep_stale:
                raise
            self._on_stale()
            return self._kept
