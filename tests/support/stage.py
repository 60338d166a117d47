"""A stage with other settings than the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chalicelib.core import settings


@contextmanager
def with_settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[None]:
    """Within it the environment says so to the app."""
    try:
        with monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            settings.current.cache_clear()
            settings.current()  # before the test's client puts the project's own variables in their place
            yield
    finally:
        settings.current.cache_clear()
