"""`python -m tools.admin EMAIL`: make an admin of a stage, such as its first one, whom no route could make.

The shop is the local one; STAGE=dev or STAGE=prod names another, with your AWS credentials, which the history of the
account then names. Who has no account gets one, and who has one keeps it. Whoever has no password yet is invited by
mail, which the deployed stage sends, to choose one; at a terminal you may give it yourself. Of an account whose address
nobody has confirmed, the password is taken away: anybody may have opened it. Safe to repeat. Exit codes: 0 the address
is an admin's, 2 it is not.
"""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import redirect_stdout

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.auth import accounts
from chalicelib.aws import transport
from chalicelib.core.errors import Misconfigured, ShopError, Unavailable
from chalicelib.core.principal import Role
from chalicelib.users import emails, passwords
from chalicelib.users import store as user_store
from chalicelib.users.models import User
from chalicelib.users.schemas import NewUser
from tools import stage, stages
from tools.local.settings import STAGE
from tools.refusal import Refusal, complain
from tools.stages import place

_FIRST_NAME, _LAST_NAME = "Shop", "Admin"


def main(arguments: list[str]) -> int:
    """Make the address an admin's; the exit code."""
    if len(arguments) != 1:
        return complain("usage: python -m tools.admin EMAIL")
    try:
        email = _email(arguments[0])
        _enter()
        print(_appoint(email))
    except (Refusal, Misconfigured) as error:
        return complain(str(error))
    except (BotoCoreError, ClientError, Unavailable, transport.RequestError) as error:
        return complain(f"It stopped: {error.__cause__ or error}. Run it again.")
    except ShopError as error:
        return complain(f"{email} was not made an admin: {error}")
    except KeyboardInterrupt:
        return complain("It was interrupted; run it again.", code=130)
    return 0


def _email(text: str) -> str:
    try:
        return emails.parse(text)
    except ValueError:
        raise Refusal(f"{text!r} is not {emails.HINT}.") from None


def _enter() -> None:
    """Enter the stage, which has to have a settings file and a table where the credentials lead."""
    name = os.environ.get("STAGE", STAGE)
    if name != STAGE:
        place.require(stages.read(name))
    stage.enter()
    stage.require_table()


def _appoint(email: str) -> str:
    """Make the address an admin's, and say what came of it."""
    before = user_store.get_by_email(email)
    is_settled = before is not None and before.has_trusted_password
    new = NewUser(
        email=email,
        first_name=_FIRST_NAME,
        last_name=_LAST_NAME,
        password=None if is_settled else _ask_for_password(),
        roles=(Role.ADMIN, Role.CUSTOMER),
    )
    actor = str(boto3.client("sts").get_caller_identity()["Arn"])
    with redirect_stdout(sys.stderr):  # what is logged is not the answer
        user = accounts.appoint_admin(new, actor=actor)
        is_invited = user.password_hash is None and user.is_reachable and accounts.invite(user)
    return " ".join((_what_changed(before, user), _what_next(user, is_invited=is_invited)))


def _ask_for_password() -> str | None:
    """The password that somebody at a terminal types twice; None for an invitation."""
    if not sys.stdin.isatty():
        return None
    password = getpass.getpass("A password, or nothing for an invitation by mail: ")
    if not password:
        return None
    try:
        passwords.require_length(password)
    except ValueError as error:
        raise Refusal(f"Nothing was changed: {error}") from error
    if getpass.getpass("The same again: ") != password:
        raise Refusal("Nothing was changed: the two passwords were not the same.")
    return password


def _what_changed(before: User | None, user: User) -> str:
    shop = os.environ["STAGE"]
    if before is None:
        return f"{user.email} has an account in {shop} now, as an admin ({user.user_id})."
    if before.is_acting_admin:
        return f"{user.email} is an admin of {shop} already ({user.user_id})."
    lost = before.password_hash is not None and not before.has_trusted_password
    also = " Nobody had confirmed the address, so the password of before is not good any more." if lost else ""
    return f"{user.email} is an admin of {shop} now ({user.user_id}).{also}"


def _what_next(user: User, *, is_invited: bool) -> str:
    if user.password_hash is not None:
        return "They log in with their password."
    if not user.is_reachable:
        return "Mail to that address came back, so nobody is invited: run this at a terminal, and type a password."
    if is_invited:
        return "A mail with which they choose a password is on its way; it is good for half an hour."
    return "They were invited to choose a password less than half an hour ago; after that this command does it again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
