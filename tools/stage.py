"""Which shop a command works on: the local one unless STAGE says otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import Any

from chalicelib.aws import db, transport
from chalicelib.core import settings
from chalicelib.core.errors import Misconfigured, Unavailable
from tools.local import payments
from tools.local import settings as local
from tools.refusal import Refusal

# The app insists on these, and a deployment fills them in; a tool needs none of them.
_NOT_NEEDED = (
    "BUCKET_NAME",
    "IMAGE_BASE_URL",
    "JWT_SECRET_NAME",
    "PAYMENT_SECRET_NAME",
    "EVENT_BUS_NAME",
    "ALERT_TOPIC_ARN",
    "DEAD_LETTER_QUEUE_URL",
    "MAIL_FROM",
)


def enter(*, needs: Collection[str] = ()) -> None:
    """Give this process the environment of its stage; what it `needs` is not made up where it is not known.

    The local stage's own variables always win, so that nothing left in a terminal leads elsewhere; for any other
    stage the caller's variables win over `.chalice/config.json`.
    """
    stage = os.environ.setdefault("STAGE", local.STAGE)
    variables = _variables(stage)
    if stage == local.STAGE:
        os.environ.update(variables)
        local.use_local_aws(local.read())
        os.environ.update(payments.environment(local.read()))
    else:
        unused = {name: "unused" for name in _NOT_NEEDED if name not in needs}
        for name, value in (unused | variables).items():
            os.environ.setdefault(name, value)


def require_table() -> None:
    """Refuse in one sentence when the stage's table cannot be reached."""
    try:
        db.describe()
    except Misconfigured as error:
        raise Refusal(str(error)) from error
    except Unavailable as error:
        raise Refusal(_silence(error.__cause__)) from error
    except transport.RequestError as error:
        raise Refusal(_refused(error)) from error


def _variables(stage: str) -> dict[str, str]:
    config: dict[str, Any] = json.loads((local.PROJECT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    own: dict[str, Any] = config["stages"].get(stage, {})
    return {**config.get("environment_variables", {}), **own.get("environment_variables", {})}


def _silence(cause: BaseException | None) -> str:
    if settings.current().is_local:
        return f"The local AWS does not answer at {os.environ['AWS_ENDPOINT_URL']}; start it with `make run`."
    return f"DynamoDB cannot be reached: {cause or 'it is too busy'}"


def _refused(error: transport.RequestError) -> str:
    table = settings.current().table_name
    if "ResourceNotFound" not in str(error):
        return f"AWS refused to describe the table {table}: {error}"
    if settings.current().is_local:
        return f"The local AWS has no table {table} yet; `make run` creates it."
    return f"There is no table {table} in this account and region."
