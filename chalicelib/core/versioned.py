"""Things whose changes are counted, so that a caller can say which state of them a change is based on."""

from __future__ import annotations

from typing import ClassVar

from chalicelib.core.errors import PreconditionFailed


class Versioned:
    """Something with an entity tag, by default of its `version`; a stale copy is refused with its `changed_error`."""

    __slots__ = ()

    version: int
    noun: ClassVar[str]
    changed_error: ClassVar[type[PreconditionFailed]]

    @property
    def etag(self) -> str:
        """The entity tag of what the API shows."""
        return f'"{self.version}"'

    def require_match(self, if_match: str | None) -> None:
        """Raise `changed_error` unless the caller's copy, if they named one, is this one."""
        if if_match is not None and if_match not in ("*", self.etag):
            detail = f"This {self.noun} was changed since you read it; read it again."
            raise self.changed_error(detail, facts={"etag": self.etag})
