"""What the shop itself gives, before any domain."""

from __future__ import annotations

from chalicelib.core.schema import View


class Greeting(View, frozen=True, kw_only=True):
    """A greeting, and where it was heard."""

    message: str
    path: str


class Notice(View, frozen=True, kw_only=True):
    """A sentence for people."""

    message: str


class FunctionView(View, frozen=True, kw_only=True):
    """Which function has answered, both empty where no function runs."""

    name: str
    version: str


class TableView(View, frozen=True, kw_only=True):
    """The table and its state; how many items it has is told some hours late."""

    name: str
    status: str
    item_count: int


class HealthView(View, frozen=True, kw_only=True):
    """That the shop works; `checkout` is `ready`."""

    status: str
    checkout: str
    timestamp: str
    region: str
    function: FunctionView
    table: TableView
