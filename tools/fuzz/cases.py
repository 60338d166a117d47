"""The requests of a run: for a seed and a number always the same, but for the names and tokens of the world."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.api import permissions
from tools.fuzz import framing, mutations, samples
from tools.fuzz.drafts import Draft
from tools.fuzz.world import PERSONAS, World

ROUTES = tuple(permissions.ROUTES)
SLOW_EVERY = 2500  # requests: one of so many stops in the middle, and waits for the shop to give up
_LAST_ONE_IN = 20
_IN_BYTES = 0.12  # the share of those whose bytes are changed at random, whatever they mean
_IN_PARTS = 0.08


@dataclass(frozen=True)
class Case:
    """Bytes to send, in that many parts, and what may come of them."""

    number: int
    ways: tuple[str, ...]
    parts: tuple[bytes, ...]
    is_head: bool
    most_answers: int
    is_ended: bool = True  # does the client say that no more will come?

    @property
    def sent(self) -> bytes:
        """All the bytes."""
        return b"".join(self.parts)


def make(seed: int, number: int, world: World) -> Case:
    """The request of that number."""
    random = Random(f"{seed}:{number}")  # noqa: S311 - chance that can be repeated, not a secret
    draft = _valid(random, world, number)
    kinds, weights = zip(*mutations.MUTATIONS, strict=True)
    chosen = random.choices(kinds, weights, k=random.choice((1, 1, 1, 2, 3)))
    for mutation in sorted(chosen, key=lambda each: each.__module__ == framing.__name__):
        mutation(random, draft)
    ways, sent, most = [each.__name__ for each in chosen], draft.written(), draft.most_answers
    if random.random() < _IN_BYTES:
        ways, sent, most = [*ways, "in_bytes"], framing.in_bytes(random, sent), 20
    is_slow = number % SLOW_EVERY == SLOW_EVERY - 1
    sent = sent[: random.randrange(1, len(sent))] if is_slow else sent
    parts = _in_parts(random, sent) if random.random() < _IN_PARTS else (sent,)
    return Case(number, tuple(ways), parts, draft.method == b"HEAD", most, is_ended=not is_slow)


def _valid(random: Random, world: World, number: int) -> Draft:
    """A request that some route takes."""
    route = random.choice(ROUTES)
    while route in samples.LAST and random.randrange(_LAST_ONE_IN):
        route = random.choice(ROUTES)
    names = {"cart_token": "a" * 43, **world.names, "fresh": f"{random.getrandbits(40):010X}"}
    said = samples.QUERIES.get(route[1], {})
    chosen = {name: each for name, each in said.items() if route[0] == "GET" and random.random() < 0.5}  # noqa: PLR2004
    target = _filled(route[1], {name: quote(each) for name, each in names.items()})
    draft = Draft(route[0].encode(), (f"{target}?{urlencode(chosen)}" if chosen else target).encode())
    draft.headers = [(b"Host", b"shop"), (b"Content-Type", b"application/json"), (b"User-Agent", b"fuzz")]
    if token := world.tokens[random.choice(PERSONAS)]:
        draft.headers.append((b"Authorization", f"Bearer {token}".encode()))
    if route[0] == "POST" and random.random() < 0.3:  # noqa: PLR2004 - some of them
        draft.headers.append((b"Idempotency-Key", b"fuzz-%d" % random.randrange(number + 1)))
    if route in samples.BODIES:
        draft.body = json.dumps(_filled(samples.BODIES[route], names)).encode()
    return draft


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, names) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    if not isinstance(value, str):
        return value
    for name, each in names.items():
        value = value.replace(f"{{{name}}}", each)
    return value


def _in_parts(random: Random, sent: bytes) -> tuple[bytes, ...]:
    cuts = sorted({random.randrange(len(sent) + 1) for _ in range(random.randint(1, 5))})
    return tuple(sent[begin:end] for begin, end in zip((0, *cuts), (*cuts, len(sent)), strict=True))
