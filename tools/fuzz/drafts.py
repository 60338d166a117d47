"""A request that can still be changed, down to the bytes of its head."""

from __future__ import annotations

from dataclasses import dataclass, field

Header = tuple[bytes, bytes]
CRLF = b"\r\n"


@dataclass
class Draft:
    """A request in parts; `most_answers` is how many answers may come for it."""

    method: bytes
    target: bytes
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""
    version: bytes = b"HTTP/1.1"
    is_measured: bool = True  # does it tell the length of its body?
    lines: list[bytes] = field(default_factory=list)  # further lines of the head, as they are
    most_answers: int = 1

    def set(self, name: bytes, value: bytes) -> None:
        """Say this header once, whatever it said before."""
        self.drop(name)
        self.headers.append((name, value))

    def drop(self, name: bytes) -> None:
        """Leave this header out."""
        self.headers = [each for each in self.headers if each[0].lower() != name.lower()]

    def written(self) -> bytes:
        """The request as bytes."""
        headers = list(self.headers)
        if self.is_measured and (self.body or self.method not in (b"GET", b"HEAD", b"OPTIONS")):
            headers.append((b"Content-Length", b"%d" % len(self.body)))
        head = [b" ".join((self.method, self.target, self.version)), *(b": ".join(each) for each in headers)]
        return CRLF.join([*head, *self.lines, b"", self.body])
