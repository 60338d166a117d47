"""The admin puts things on the shelves, and a guest looks at them."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from tools.tour.party import NOBODY, Party

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


def stock_shelves(party: Party) -> None:
    """Products made, changed, counted, illustrated, looked for and taken away."""
    mug = party.product()
    party.ids["mug"] = mug.body["productId"]
    _create(party)
    _browse(party, mug.headers["ETag"])
    _change(party, mug.body)
    _count(party)
    _illustrate(party)
    _manage(party)


def _create(party: Party) -> None:
    admin, run = party.admin, party.guide.run
    pot = {"name": "Pot", "price": 5, "category": "tour", "sku": f"POT-{run}", "stock": 3}
    party.guide.tell("A product with a SKU: sent again with its key it is the same one, and its SKU is taken.")
    made = admin("POST", "/products", pot, gives=201, Idempotency_Key=f"pot-{run}")
    path = f"/products/{made.body['productId']}"
    party.guide.owe(admin, "DELETE", path)
    admin("POST", "/products", pot, gives=201, Idempotency_Key=f"pot-{run}")
    admin("POST", "/products", pot, gives=409, code="sku_taken")
    admin("POST", "/products", {"name": "", "price": -1}, gives=400, code="validation_failed")

    party.guide.tell("It is taken out of the catalogue again.")
    admin("DELETE", path, gives=412, code="product_changed", If_Match='"0-0"')
    admin("DELETE", path, gives=204)
    admin("DELETE", path, gives=404, code="product_not_found")
    party.guest("GET", path, gives=404, code="product_not_found")


def _browse(party: Party, tag: str) -> None:
    guest, mug = party.guest, party.ids["mug"]
    party.guide.tell("A guest looks around: pages, filters, a search, one category, one product.")
    page = guest("GET", "/products?limit=2").body
    guest("GET", f"/products?limit=2&cursor={page['nextCursor']}")
    guest("GET", "/products?category=tour&minPrice=1&maxPrice=20&currency=USD&inStock=true")
    guest("GET", "/products?q=mug")
    guest("GET", "/products?limit=0", gives=400, code="validation_failed")
    guest("GET", "/products?cursor=made-up", gives=400, code="invalid_cursor")
    guest("GET", "/products/category/tour")
    guest("GET", "/products/category/tour?minPrice=cheap", gives=400, code="validation_failed")
    guest("GET", "/categories")
    guest("GET", "/categories?limit=none", gives=400, code="validation_failed")
    guest("GET", f"/products/{mug}")
    guest("GET", f"/products/{mug}", gives=304, If_None_Match=tag)
    guest("GET", f"/products/{NOBODY}", gives=404, code="product_not_found")


def _change(party: Party, mug: dict[str, Any]) -> None:
    admin, path = party.admin, f"/products/{mug['productId']}"
    party.guide.tell("The admin changes one thing, or replaces all; a copy that is old by now changes nothing.")
    tag = admin("PATCH", path, {"name": "Cup of the tour"}).headers["ETag"]
    admin("PATCH", path, {"name": "Bowl"}, gives=412, code="product_changed", If_Match='"0-0"')
    admin("PATCH", path, {"colour": "blue"}, gives=400, code="validation_failed")
    admin("PATCH", f"/products/{NOBODY}", {"name": "Bowl"}, gives=404, code="product_not_found")
    whole = {"name": "Mug of the tour", "price": 12.5, "category": "tour"}
    admin("PUT", path, whole, If_Match=tag)
    admin("PUT", path, whole, gives=412, code="product_changed", If_Match=tag)
    admin("PUT", path, {"name": "Mug"}, gives=400, code="validation_failed")
    admin("PUT", f"/products/{NOBODY}", whole, gives=404, code="product_not_found")


def _count(party: Party) -> None:
    admin, path, run = party.admin, f"/products/{party.ids['mug']}", party.guide.run
    party.guide.tell("Stock changes by units more or fewer; a counted number needs the tag that it was counted from.")
    found = {"delta": 5, "reason": "found behind the shelf"}
    for _ in range(2):
        admin("POST", f"{path}/stock", found, gives=201, Idempotency_Key=f"found-{run}")
    admin("POST", f"{path}/stock", {"delta": -1000, "reason": "broken"}, gives=409, code="insufficient_stock")
    admin("POST", f"{path}/stock", {"delta": 0.5}, gives=400, code="validation_failed")
    admin("POST", f"/products/{NOBODY}/stock", found, gives=404, code="product_not_found")
    admin("GET", f"{path}/stock")
    admin("GET", f"{path}/stock?limit=-1", gives=400, code="validation_failed")
    admin("PATCH", path, {"stock": 50}, gives=428, code="precondition_required")
    admin("PATCH", path, {"stock": 50}, If_Match=party.guest("GET", path).headers["ETag"])


def _illustrate(party: Party) -> None:
    admin, path = party.admin, f"/products/{party.ids['mug']}/images"
    party.guide.tell("An image goes straight to the storage by a form; the shop looks at it before it is shown.")
    admin("POST", path, {"contentType": "text/html"}, gives=400, code="validation_failed")
    admin("POST", f"/products/{NOBODY}/images", {"contentType": "image/png"}, gives=404, code="product_not_found")
    asked = admin("POST", path, {"contentType": "image/png"}, gives=201, Idempotency_Key=f"png-{party.guide.run}").body
    admin("PUT", f"{path}/{asked['imageId']}", gives=409, code="image_not_uploaded")
    party.around.upload(asked["upload"], b"no picture")
    admin("PUT", f"{path}/{asked['imageId']}", gives=422, code="not_an_image")
    party.around.upload(asked["upload"], PNG)
    admin("PUT", f"{path}/{asked['imageId']}")


def _manage(party: Party) -> None:
    admin, guest, path = party.admin, party.guest, f"/products/{party.ids['mug']}"
    party.guide.tell("What is not for sale is seen by admins alone.")
    admin("PATCH", path, {"isActive": False})
    guest("GET", path, gives=404, code="product_not_found")
    admin("GET", f"/admin{path}")
    admin("GET", f"/admin/products/{NOBODY}", gives=404, code="product_not_found")
    admin("GET", "/admin/products?category=tour&active=false")
    admin("GET", "/admin/products?active=maybe", gives=400, code="validation_failed")
    admin("PATCH", path, {"isActive": True})
