"""The list of all incidents, in which those are missing that were reported before there was one."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from chalicelib.aws import db, keys
from chalicelib.orders import store as order_store
from chalicelib.orders.incident_kinds import Incident
from tools.recompute.run import Run

KIND = "incidents in the list"
_READ = (*(field.encode_name for field in msgspec.structs.fields(Incident)), db.GSI2.pk, db.GSI2.sk)


def recompute(run: Run) -> None:
    """Put every incident at its place in the list; nothing else ever changes one, so that a first look is enough."""
    for item in run.scan("incidents", keys.ORDER_PREFIX, only=_READ):
        if item["SK"].startswith(keys.INCIDENT_PREFIX):
            _settle(run, item)


def _settle(run: Run, item: db.Item) -> None:
    try:
        index = order_store.incident_index(msgspec.convert(item, Incident))
    except msgspec.ValidationError:
        run.leave(f"{item['PK']} {item['SK']} cannot be read, so it was left as it is.")
        return
    if all(item.get(name) == place for name, place in index.items()):
        return
    run.differs(KIND, f"{item['orderId']} {item['name']}")
    if run.repairs:
        values = {f":{name}": place for name, place in index.items()}
        with suppress(db.Stale):  # somebody has removed it meanwhile
            db.commit(db.update(keys.Key(item["PK"], item["SK"]), "SET GSI2PK = :GSI2PK, GSI2SK = :GSI2SK", values))
