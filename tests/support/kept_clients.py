"""AWS clients are made once and not for each test: reading a service's model takes longer than most tests."""

from __future__ import annotations

import copy
import os
from typing import Any

import boto3

_make = boto3.client
_kept: dict[tuple[Any, ...], _Kept] = {}


class _Kept:
    """A client, and what it told of its calls when it was made."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.session = boto3.DEFAULT_SESSION  # kept, so that its id is no other's
        self.events = copy.copy(client.meta.events)
        self.is_changed = False
        register = client.meta.events.register

        def note(*args: Any, **options: Any) -> None:
            self.is_changed = True
            register(*args, **options)

        client.meta.events.register = note

    def as_made(self) -> Any:
        """The client without what a test has registered with it; its parts hold one emitter, which stays."""
        if self.is_changed:
            vars(self.client.meta.events._emitter).update(vars(copy.copy(self.events)._emitter))
            self.is_changed = False
        return self.client


def install() -> None:
    """Let `boto3.client` give what it made before for the same service, settings and environment."""
    boto3.client = _client


def _client(service: str, **settings: Any) -> Any:
    environment = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    options = {name: vars(value) if name == "config" else value for name, value in settings.items()}
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    key = (id(boto3.DEFAULT_SESSION), service, repr(sorted(options.items())), environment)
    kept = _kept[key] = _kept.get(key) or _Kept(_make(service, **settings))
    return kept.as_made()
