"""The days of refunds, in which those are missing that succeeded before reports looked for them there."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from chalicelib.aws import db, keys
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import Refund, RefundState
from tools.recompute.run import Run

KIND = "refunds in their days"
_PREFIX = keys.refund("", "").sk
_READ = (*(field.encode_name for field in msgspec.structs.fields(Refund)), db.GSI2.pk, db.GSI2.sk)


def recompute(run: Run) -> None:
    """Put every refund that succeeded at its place by time; none moves from there, so that a first look is enough."""
    for item in run.scan("refunds", keys.ORDER_PREFIX, only=_READ):
        if item["SK"].startswith(_PREFIX) and item.get("state") == RefundState.SUCCEEDED:
            _settle(run, item)


def _settle(run: Run, item: db.Item) -> None:
    try:
        refund = msgspec.convert(item, Refund)
    except msgspec.ValidationError:
        run.leave(f"{item['PK']} {item['SK']} cannot be read, so it was left as it is.")
        return
    index = payment_store.refund_index(refund, at=refund.updated_at or refund.created_at)
    if all(item.get(name) == place for name, place in index.items()):
        return
    run.differs(KIND, f"{refund.order_id} {refund.refund_id}")
    if run.repairs:
        values = {f":{name}": place for name, place in index.items()}
        with suppress(db.Stale):  # somebody has removed it meanwhile
            db.commit(db.update(keys.Key(item["PK"], item["SK"]), "SET GSI2PK = :GSI2PK, GSI2SK = :GSI2SK", values))
