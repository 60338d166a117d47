"""The admin gives discounts, and carts are checked against them."""

from __future__ import annotations

from tools.tour.party import NOBODY, Party


def give_discounts(party: Party) -> None:
    """A coupon made, looked at, changed, tried on a cart and ended."""
    admin, code, run = party.admin, f"TOUR-{party.guide.run}".upper(), party.guide.run
    path, new = f"/coupons/{code}", {"code": code, "kind": "percentage", "percent": 10}
    party.guide.tell("Ten percent off.")
    party.guide.owe(admin, "DELETE", path)
    tag = admin("POST", "/coupons", new, gives=201, Idempotency_Key=f"coupon-{run}").headers["ETag"]
    admin("POST", "/coupons", new, gives=201, Idempotency_Key=f"coupon-{run}")
    admin("POST", "/coupons", new, gives=409, code="coupon_exists")
    admin("POST", "/coupons", {**new, "percent": 101}, gives=400, code="validation_failed")
    admin("GET", "/coupons?limit=5")
    admin("GET", "/coupons?cursor=made-up", gives=400, code="invalid_cursor")
    admin("GET", path, gives=304, If_None_Match=tag)
    admin("GET", path)
    admin("GET", f"/coupons/{NOBODY}", gives=404, code="coupon_not_found")

    party.ids["coupon"] = code
    _change(party, path, tag)
    _try(party, code)
    _end_another(party)


def _change(party: Party, path: str, tag: str) -> None:
    admin = party.admin
    party.guide.tell("Its terms change; an old copy changes nothing.")
    admin("PATCH", path, {"perUserLimit": 5}, If_Match=tag)
    admin("PATCH", path, {"perUserLimit": 6}, gives=412, code="coupon_changed", If_Match=tag)
    admin("PATCH", path, {"percent": "ten"}, gives=400, code="validation_failed")
    admin("PATCH", f"/coupons/{NOBODY}", {"percent": 5}, gives=404, code="coupon_not_found")


def _try(party: Party, code: str) -> None:
    party.guide.tell("Ada looks what her cart would cost with it, and with one that nobody made.")
    party.ada("POST", "/cart/items", {"productId": party.ids["mug"], "quantity": 2}, gives=201)
    party.ada("POST", "/cart/coupon", {"code": code})
    party.ada("POST", "/cart/coupon", {"code": "NOBODYS"}, gives=422, code="coupon_invalid")
    party.ada("POST", "/cart/coupon", {"code": "?"}, gives=400, code="validation_failed")


def _end_another(party: Party) -> None:
    party.guide.tell("Another one ends for good.")
    code = f"GONE-{party.guide.run}".upper()
    path = f"/coupons/{code}"
    party.guide.owe(party.admin, "DELETE", path)
    terms = {"kind": "fixed", "amount": 5, "currency": "USD"}
    party.admin("POST", "/coupons", {"code": code, **terms}, gives=201)
    party.admin("DELETE", path, gives=412, code="coupon_changed", If_Match='"0-0"')
    party.admin("DELETE", path, gives=204)
    party.admin("DELETE", path, gives=404, code="coupon_not_found")
