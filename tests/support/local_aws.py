"""A local AWS that holds nothing, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tools.local import cloud
from tools.local import settings as local
from tools.local.settings import LocalSettings


@contextmanager
def empty(state: Path, **environment: str) -> Iterator[LocalSettings]:
    """A local AWS on free ports, for the time of the block: every client that is made in it talks to that AWS.

    `environment` is what it and the block are told besides. Its state lies in the folder, which is empty.
    """
    settings = LocalSettings(port=free_port(), cloud_port=free_port(), payment_port=free_port(), state=state)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**local.aws_environment(settings), **environment}.items():
            patch.setenv(name, value)
        with cloud.running(settings):
            yield settings
