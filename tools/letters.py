"""What is read out of a dead letter, of which nobody can say that the shop has written it."""

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Lost(Exception):
    """What a letter is about is not to be had, any more or at all; the message is why."""


def decoded(body: str) -> dict[str, Any]:
    """The JSON object that a letter is, or `Lost`."""
    try:
        letter = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise not_understood("it is not JSON") from error
    if not isinstance(letter, dict):
        raise not_understood("it is not a JSON object")
    return letter


def shaped(value: Any, shape: type[T], why: str) -> T:
    """The value as that shape, or `Lost` for the reason given."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise not_understood(why) from error


def not_understood(why: str) -> Lost:
    """The error of a letter that says too little."""
    return Lost(f"This is not a letter that the shop understands: {why}.")
