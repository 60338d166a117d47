"""The customer's way through the shop, step by step."""

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tools.release.smoke.ways import Api, Failed, Reply

PATIENCE_SECONDS = 10.0
MAIL_SECONDS = 120.0
LOOK_SECONDS = 0.5
ADDRESS = {"street": "1 Main Street", "city": "Springfield", "postalCode": "12345", "country": "US"}


@dataclass
class Journey:
    """One customer's way, and what it has to put right at the end."""

    api: Api
    token: str
    has_mailed: Callable[[str], bool] | None = None
    takes_real_money: bool = False
    patience: float = PATIENCE_SECONDS
    mail_patience: float = MAIL_SECONDS
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    steps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def go(self) -> None:
        """All of it. Raises `Failed` with the first step that went wrong, and what could not be tidied up."""
        self.headers = {"X-Correlation-Id": self.run_id}
        with self._step("health"):
            self._expect(200, "GET", "/health")
        self._open_account()
        try:
            self._shop()
        except Failed as failed:
            left = self._tidy_up()
            raise Failed(" ".join([str(failed), *left])) from failed
        if left := self._tidy_up():
            raise Failed(" ".join(left))

    def _open_account(self) -> None:
        credentials = {
            "email": f"success+{self.run_id}@simulator.amazonses.com",
            "password": f"smoke {uuid.uuid4()} test",
        }
        names = {"firstName": "Smoke", "lastName": "Test"}
        with self._step("register"):
            self._expect(201, "POST", "/auth/register", {**credentials, **names})
        with self._step("log in"):
            opened = self._expect(200, "POST", "/auth/login", credentials)
            self.headers["Authorization"] = f"Bearer {opened['accessToken']}"

    def _shop(self) -> None:
        with self._step("find a product"):
            product = self._most_in_stock()
        if product is None:
            self.notes.append("Nothing is for sale, so nothing was bought.")
            return
        product_id = product["productId"]
        before = self._stock(product_id)
        with self._step("put it into the cart"):
            self._expect(201, "POST", "/cart/items", {"productId": product_id, "quantity": 1})
        order = self._buy()
        if order is None:
            self._expect_stock("give the stock back after a declined card", product_id, before, wrong=before - 1)
            return
        taken = self._expect_stock("take the stock", product_id, before - 1, wrong=before)
        self._cancel(order)
        self._expect_stock("give the stock back", product_id, before, wrong=taken)
        self._expect_mail()

    def _buy(self) -> str | None:
        """The id of the order; None where a real card was needed, and the order ended as it should."""
        body = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": self.token}}
        with self._step("buy"):
            reply = self._ask("POST", "/orders", body, Idempotency_Key=self.run_id)
            if reply.status == 402 and self.takes_real_money:  # noqa: PLR2004 - an HTTP status
                self.notes.append("The shop takes no test card, so the order was to end as declined.")
                self._require(
                    {each["status"] for each in self._orders()} == {"cancelled"}, "a declined order stays open"
                )
                return None
            order_id = str(self._expected(201, reply)["orderId"])
        with self._step("see the order"):
            self._require(order_id in {each["orderId"] for each in self._orders()}, "the list lacks the order")
        return order_id

    def _cancel(self, order_id: str) -> None:
        with self._step("cancel"):
            path, resource = f"/orders/{order_id}/cancel", "/orders/{order_id}/cancel"
            cancelled = self._expected(200, self._ask("PUT", path, resource=resource))
            self._require(cancelled["status"] == "cancelled", f"the order is {cancelled['status']}")
            paid = cancelled["paymentStatus"]
            self._require(paid in ("refunded", "voided", "paid"), f"the money is {paid}")
        with self._step("get the money back"):
            path, resource = f"/orders/{order_id}", "/orders/{order_id}"
            self._until(
                lambda: self._expected(200, self._ask("GET", path, resource=resource))["paymentStatus"] != "paid",
                "the money is not back",
            )

    def _expect_stock(self, what: str, product_id: str, expected: int, *, wrong: int) -> int:
        """The stock, which fails if it stays as it is when this has not worked.

        One that is neither so nor as expected is bought by others as well, such as the smoke test of the other function
        of the same release, and is not judged.
        """
        with self._step(what):
            seen = [self._stock(product_id)]
            for _ in self._looks(self.patience):
                if seen[-1] == expected:
                    return expected
                seen.append(self._stock(product_id))
            if set(seen) == {wrong} and wrong != expected:
                raise Failed(f"there are {wrong} where there should be {expected}")
            self.notes.append(f"Others buy {product_id} as well, so whether to {what} worked was not judged.")
        return seen[-1]

    def _expect_mail(self) -> None:
        if self.has_mailed is None:
            self.notes.append("What the stream's function logs cannot be read, so the mail was not looked for.")
            return
        has_mailed = self.has_mailed
        with self._step("mail"):
            self._until(lambda: has_mailed(self.run_id), "no mail about the order went out", self.mail_patience)

    def _tidy_up(self) -> list[str]:
        """Cancel what is open and erase the account; what did not work, a sentence each."""
        left = []
        try:
            for order in self._orders():
                if order["status"] in ("pending", "processing"):
                    path, resource = f"/orders/{order['orderId']}/cancel", "/orders/{order_id}/cancel"
                    self._expected(200, self._ask("PUT", path, resource=resource))
        except Failed as failed:
            left.append(f"Left behind is an order of success+{self.run_id}@simulator.amazonses.com: {failed}")
        try:
            with self._step("erase the account"):
                self._expect(202, "DELETE", "/users/profile")
        except Failed as failed:
            left.append(f"Left behind is the account success+{self.run_id}@simulator.amazonses.com: {failed}")
        return left

    def _most_in_stock(self) -> dict[str, Any] | None:
        products = self._expected(200, self._ask("GET", "/products?limit=50", **self._unkept()))["products"]
        in_stock = [each for each in products if each["stock"] > 0]
        return max(in_stock, key=lambda each: int(each["stock"]), default=None)

    def _stock(self, product_id: str) -> int:
        path, resource = f"/products/{product_id}", "/products/{product_id}"
        return int(self._expected(200, self._ask("GET", path, resource=resource, **self._unkept()))["stock"])

    def _unkept(self) -> dict[str, str]:
        """A header by which no cache of products finds an older answer: a tag that no state has, each time another."""
        return {"If_None_Match": f'"smoke-{uuid.uuid4()}"'}

    def _orders(self) -> list[dict[str, Any]]:
        orders: list[dict[str, Any]] = self._expect(200, "GET", "/orders")["orders"]
        return orders

    def _expect(self, status: int, method: str, path: str, body: Any = None) -> Any:
        return self._expected(status, self._ask(method, path, body))

    def _ask(self, method: str, path: str, body: Any = None, *, resource: str | None = None, **more: str) -> Reply:
        headers = self.headers | {name.replace("_", "-"): value for name, value in more.items()}
        return self.api(method, path, body, resource=resource, **headers)

    def _expected(self, status: int, reply: Reply) -> Any:
        if reply.status not in (status, 204):
            raise Failed(f"the answer is {reply.status} instead of {status}: {json.dumps(reply.body)[:300]}")
        return reply.body

    def _require(self, so: bool, otherwise: str) -> None:  # noqa: FBT001 - a condition and its words
        if not so:
            raise Failed(otherwise)

    def _until(self, condition: Callable[[], bool], otherwise: str, seconds: float | None = None) -> None:
        for _ in self._looks(self.patience if seconds is None else seconds):
            if condition():
                return
        raise Failed(otherwise)

    def _looks(self, seconds: float) -> Iterator[None]:
        yield
        for _ in range(math.ceil(seconds / LOOK_SECONDS)):
            time.sleep(LOOK_SECONDS)
            yield

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        try:
            yield
        except Failed as failed:
            raise Failed(f"Step {len(self.steps) + 1}, {name}: {failed}.".replace("..", ".")) from failed
        except (KeyError, TypeError, ValueError) as error:
            raise Failed(f"Step {len(self.steps) + 1}, {name}: the answer lacks {error}.") from error
        self.steps.append(name)
