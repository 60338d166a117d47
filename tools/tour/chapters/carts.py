"""A guest fills a cart, and it comes along at login."""

from __future__ import annotations

from tools.tour.party import NOBODY, Party


def fill(party: Party) -> None:
    """Lines added, changed and removed by a guest; then the cart becomes Bob's."""
    mug, run = party.ids["mug"], party.guide.run
    party.guide.tell("A guest's first item brings a token, which stands for the cart from then on.")
    one = {"productId": mug, "quantity": 1}
    added = party.guest("POST", "/cart/items", one, gives=201)
    guest = party.guide.visitor("guest", X_Cart_Token=added.headers["X-Cart-Token"])
    for _ in range(2):
        guest("POST", "/cart/items", one, gives=201, Idempotency_Key=f"one-{run}")
    guest("POST", "/cart/items", {**one, "quantity": 90}, gives=409, code="insufficient_stock")
    guest("POST", "/cart/items", {**one, "quantity": 0}, gives=400, code="validation_failed")
    guest("POST", "/cart/items", {**one, "productId": NOBODY}, gives=404, code="product_not_found")
    guest("GET", "/cart")
    party.guide.visitor("eve", X_Cart_Token=NOBODY)("GET", "/cart", gives=404, code="cart_not_found")

    party.guide.tell("Quantities are set, and lines and carts removed.")
    guest("PUT", f"/cart/items/{mug}", {"quantity": 3})
    guest("PUT", f"/cart/items/{mug}", {"quantity": 1.5}, gives=400, code="validation_failed")
    guest("PUT", f"/cart/items/{NOBODY}", {"quantity": 3}, gives=404, code="cart_item_not_found")
    guest("DELETE", f"/cart/items/{mug}", gives=204)
    guest("DELETE", f"/cart/items/{mug}", gives=404, code="cart_item_not_found")
    guest("POST", "/cart/items", one, gives=201)
    login = {**party.credentials("bob"), "cartToken": guest.headers["X-Cart-Token"]}
    party.guest("POST", "/auth/login", login)
    party.bob("GET", "/cart")
    party.bob("DELETE", "/cart", gives=204)
