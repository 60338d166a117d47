"""The Stripe adapter against a Stripe on loopback that speaks its documented HTTP (P2, P4, R1)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
import pytest
import stripe as library
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.core import clock, settings
from chalicelib.core.errors import Misconfigured
from chalicelib.payments import providers
from chalicelib.payments import service as payments
from chalicelib.payments.models import AttemptState, RefundState
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.stripe import provider as stripe_provider
from chalicelib.payments.stripe.provider import Stripe
from tests.support import fake_stripe as fake
from tests.support.fake_stripe import API_KEY, StripeAccount, error
from tests.support.leaks import Watch
from tests.support.payments import attempt, keep_secret, paid_by_stripe, refund_of
from tools.testing.shop import Shop

SILENT = {
    "a time-out": "hang",
    "a reset": "reset",
    "a lost answer": "lose",
    "garbage": b"\x00\xff<html>",
    "half an answer": b'{"id": "pi_1", "status": "succ',
    "nothing": b"",
    "another JSON": b"[]",
    "an answer without a status": b'{"id": "pi_1", "amount": 2500, "currency": "usd"}',
    "an unknown status": b'{"id": "pi_1", "amount": 2500, "currency": "usd", "status": "richer"}',
    "a key in use": error("idempotency_in_use", 409),
    "too many requests": error("rate_limit", 429),
    "a server error": error("api_error", 500),
    "a bad gateway": (502, b"<html>bad gateway</html>"),
    "a revoked key": (401, {"error": {"message": "Expired API Key", "type": "invalid_request_error"}}),
    "no permission": (403, {"error": {"message": "no", "type": "invalid_request_error"}}),
    "a reused key": error("idempotency_reused", 400),
    "a refusal without words": (402, b""),
    "an error of another kind": (400, {"error": {"type": "api_error"}}),
    "an error that is a list": (400, {"error": [1]}),
    "an error that is text": (400, {"error": "no"}),
    "an error that is null": (402, {"error": None}),
    "a redirect": (302, b""),
}


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeAccount]:
    """A stage that is paid through the Stripe on loopback."""
    with paid_by_stripe(monkeypatch) as known:
        yield known


@pytest.fixture
def stripe(account: StripeAccount) -> Stripe:
    chosen = providers.current()
    assert isinstance(chosen, Stripe)
    return chosen


@pytest.fixture
def impatient(stripe: Stripe) -> Iterator[Stripe]:
    """The same, asked by somebody who does not wait for long."""
    with mock.patch.object(stripe_provider, "TIMEOUTS", (1, 1)):
        stripe_provider._client.cache_clear()
        yield providers.current()
    stripe_provider._client.cache_clear()


def test_a_charge_is_one_request_with_everything_that_makes_it_safe(stripe: Stripe, account: StripeAccount) -> None:
    paid = attempt()

    outcome = stripe.charge(paid, "pm_card_visa")

    assert (outcome.state, outcome.reason, outcome.payment_id) == (AttemptState.CAPTURED, None, "pi_" + "0" * 24)
    assert (outcome.amount, outcome.currency) == (2500, "USD")
    ((method, path, form, headers),) = account.requests
    assert (method, path, headers["Idempotency-Key"]) == ("POST", "/v1/payment_intents", paid.merchant_key)
    assert headers["Stripe-Version"] == library.api_version
    assert form == {
        "amount": "2500", "currency": "usd", "capture_method": "automatic", "confirm": "true",
        "payment_method_types[0]": "card", "payment_method": "pm_card_visa",
        "metadata[merchantKey]": paid.merchant_key, "metadata[orderId]": paid.order_id,
    }  # fmt: skip


def test_an_older_card_token_is_sent_as_what_it_is(stripe: Stripe, account: StripeAccount) -> None:
    assert stripe.charge(attempt(), "tok_visa").state is AttemptState.CAPTURED
    assert account.requests[0][2]["payment_method_data[card][token]"] == "tok_visa"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "invalid_payment_method"),
        ("pm_nobodys", "invalid_payment_method"),
    ],
)
def test_a_decline_is_a_failure_with_its_class(stripe: Stripe, account: StripeAccount, token: str, reason: str) -> None:
    paid = attempt()

    outcomes = [stripe.charge(paid, token) for _ in range(2)]

    assert [(each.state, each.reason) for each in outcomes] == [(AttemptState.FAILED, reason)] * 2
    assert account.captured(paid.merchant_key) == 0


@pytest.mark.parametrize("silence", SILENT)
def test_whatever_is_not_a_clear_answer_is_none_and_nothing_is_tried_again_by_itself(
    stripe: Stripe, impatient: Stripe, account: StripeAccount, silence: str
) -> None:
    paid, asking = attempt(), impatient if silence == "a time-out" else stripe
    made = stripe.charge(paid, "pm_authorize_only").payment_id
    refund, known = refund_of(paid, made), msgspec.structs.replace(paid, payment_id=made)
    asked: dict[str, tuple[Any, ...]] = {"charge": (attempt(), "pm_card_visa"), "look_up": (known,)}
    asked |= {"capture": (paid, made), "void": (paid, made), "refund": (refund,), "look_up_refund": (refund,)}

    for operation, arguments in asked.items():
        account.faults.append(SILENT[silence])
        with pytest.raises(NoAnswer):
            getattr(asking, operation)(*arguments)

    assert len(account.requests) == 1 + len(asked)


def test_a_lost_answer_and_all_that_is_sent_after_it_charge_once(
    stripe: Stripe, impatient: Stripe, account: StripeAccount
) -> None:
    paid = attempt()
    account.faults += ["lose", error("idempotency_in_use", 409), "hang"]
    for asking in (stripe, stripe, impatient):
        with pytest.raises(NoAnswer):
            asking.charge(paid, "pm_card_visa")

    assert stripe.charge(paid, "pm_card_visa").state is AttemptState.CAPTURED
    assert account.captured(paid.merchant_key) == 1
    with pytest.raises(NoAnswer):  # another token under the same key is Stripe's idempotency error, and no decline
        stripe.charge(paid, "pm_card_visa_chargeDeclined")


@pytest.mark.parametrize("search", ["finds", "lags", "refuses"])
def test_a_charge_is_looked_up_by_id_by_search_and_in_the_list(
    stripe: Stripe, account: StripeAccount, search: str
) -> None:
    paid, account.search = attempt(), search
    account.faults.append("lose")
    with pytest.raises(NoAnswer):
        stripe.charge(paid, "pm_card_visa")

    found = stripe.look_up(paid)

    assert found
    assert (found.state, found.amount) == (AttemptState.CAPTURED, 2500)
    assert stripe.look_up(attempt(payment_id=found.payment_id)) == found
    assert stripe.look_up(attempt()) is None


def test_a_long_list_is_walked_and_an_endless_one_is_no_answer(stripe: Stripe, account: StripeAccount) -> None:
    paid, account.search = attempt(), "lags"
    for each in [paid, *(attempt() for _ in range(5))]:
        stripe.charge(each, "pm_card_visa")

    found = Stripe(stripe._client, page_size=2).look_up(paid)
    assert found
    assert found.payment_id == "pi_" + "0" * 24
    with pytest.raises(NoAnswer):
        Stripe(stripe._client, page_size=2, max_pages=2).look_up(paid)


def test_a_look_up_tells_a_decline_from_a_payment_that_is_still_being_confirmed(
    stripe: Stripe, account: StripeAccount
) -> None:
    declined, other = attempt(), attempt()
    stripe.charge(declined, "pm_card_visa_chargeDeclinedInsufficientFunds")
    found = stripe.charge(other, "pm_card_visa")
    account.intents[str(found.payment_id)] |= {"status": "requires_payment_method", "amount_received": 0}

    outcomes = [stripe.look_up(each) for each in (declined, other)]

    assert [(each.state, each.reason) for each in outcomes if each] == [
        (AttemptState.FAILED, "insufficient_funds"), (AttemptState.PROCESSING, None),
    ]  # fmt: skip


def test_a_buyer_who_must_act_is_told_how(stripe: Stripe, account: StripeAccount) -> None:
    paid = attempt()

    outcome = stripe.charge(paid, "pm_card_authenticationRequired")

    assert outcome.state is AttemptState.REQUIRES_ACTION
    assert outcome.next_action
    assert str(outcome.next_action.url).startswith("https://hooks.stripe.com/")
    assert outcome.next_action.client_secret == f"{outcome.payment_id}_secret_abcdefgh"
    account.intents[str(outcome.payment_id)]["next_action"] = fake.shape("next_action_sdk")
    found = stripe.look_up(paid)
    assert found
    assert found.next_action
    assert (found.next_action.url, bool(found.next_action.client_secret)) == (None, True)


def test_an_authorised_payment_is_captured_or_voided_once(stripe: Stripe, account: StripeAccount) -> None:
    paid, other = attempt(), attempt()
    first, second = (str(stripe.charge(each, "pm_authorize_only").payment_id) for each in (paid, other))

    assert [stripe.capture(paid, first).state for _ in range(2)] == [AttemptState.CAPTURED] * 2
    assert [stripe.void(other, second).state for _ in range(2)] == [AttemptState.VOIDED] * 2
    assert stripe.void(paid, first).state is AttemptState.CAPTURED
    assert stripe.capture(other, second).state is AttemptState.VOIDED


def test_a_payment_that_waits_for_the_buyer_can_be_voided(stripe: Stripe) -> None:
    paid = attempt()
    waiting = stripe.charge(paid, "pm_card_authenticationRequired")

    assert stripe.void(paid, str(waiting.payment_id)).state is AttemptState.VOIDED


def test_a_payment_that_stripe_does_not_know_is_no_answer(stripe: Stripe) -> None:
    for ask in (stripe.capture, stripe.void):
        with pytest.raises(NoAnswer):
            ask(attempt(), "pi_unknown")
    with pytest.raises(NoAnswer):
        stripe.look_up(attempt(payment_id="pi_unknown"))


def test_refunds_happen_once_per_id_and_are_found_again(stripe: Stripe, account: StripeAccount) -> None:
    paid = attempt()
    made = stripe.charge(paid, "pm_card_visa").payment_id
    first, rest, more = (refund_of(paid, made, amount) for amount in (1000, 1500, 1))
    account.faults.append("lose")
    with pytest.raises(NoAnswer):
        stripe.refund(first)

    states = [stripe.refund(each).state for each in (first, first, rest, more)]

    assert states == [RefundState.SUCCEEDED] * 3 + [RefundState.FAILED]
    assert stripe.refund(more).reason == "charge_already_refunded"
    assert [each["amount"] for each in account.refunds.values()] == [1000, 1500]
    found = stripe.look_up_refund(rest)
    assert found
    assert (found.state, found.amount, found.currency) == (RefundState.SUCCEEDED, 1500, "USD")
    assert stripe.look_up_refund(more) is None


@pytest.mark.parametrize(
    ("status", "state"),
    [("pending", RefundState.PENDING), ("requires_action", RefundState.PENDING), ("failed", RefundState.FAILED),
     ("canceled", RefundState.FAILED)],
)  # fmt: skip
def test_a_refund_may_still_be_under_way_or_fail(
    stripe: Stripe, account: StripeAccount, status: str, state: RefundState
) -> None:
    paid, account.refund_status = attempt(), status
    refund = refund_of(paid, stripe.charge(paid, "pm_card_visa").payment_id)

    outcome = stripe.refund(refund)

    assert outcome.state is state
    assert stripe.look_up_refund(refund) == outcome
    assert bool(outcome.reason) is (state is RefundState.FAILED)


def test_a_refund_that_stripe_has_forgotten_the_key_of_is_not_made_again(
    stripe: Stripe, account: StripeAccount
) -> None:
    paid = attempt()
    made = stripe.charge(paid, "pm_card_visa")
    refund = refund_of(paid, made.payment_id, 1000)
    stripe.refund(refund)
    account.answers.clear()

    with clock.fixed(clock.now() + timedelta(hours=23, minutes=1)):
        assert stripe.refund(refund).state is RefundState.SUCCEEDED

    assert len(account.refunds) == 1


@pytest.mark.parametrize(
    ("currency", "amount", "sent"),
    [("JPY", 500, "500"), ("ISK", 500, "50000"), ("KWD", 1250, "1250"), ("MGA", 300, "3")],
)
def test_currencies_of_other_decimals_are_charged_and_refunded_exactly(
    stripe: Stripe, account: StripeAccount, currency: str, amount: int, sent: str
) -> None:
    paid = attempt(amount=amount, currency=currency)

    outcome = stripe.charge(paid, "pm_card_visa")
    refunded = stripe.refund(refund_of(paid, outcome.payment_id, amount))

    assert outcome.is_about(amount, currency)
    assert (refunded.amount, refunded.currency) == (amount, currency)
    assert [form["amount"] for _, _, form, _ in account.requests] == [sent, sent]


@pytest.mark.parametrize(("currency", "amount"), [("KWD", 1251), ("MGA", 301), ("IQD", 1000)])
def test_an_amount_that_stripe_cannot_say_is_refused_with_nothing_sent(
    stripe: Stripe, account: StripeAccount, currency: str, amount: int
) -> None:
    paid = attempt(amount=amount, currency=currency)

    charged, refunded = stripe.charge(paid, "pm_card_visa"), stripe.refund(refund_of(paid, "pi_1", amount))

    assert (charged.state, charged.reason) == (AttemptState.FAILED, "amount_not_payable")
    assert (refunded.state, refunded.reason) == (RefundState.FAILED, "amount_not_refundable")
    assert account.requests == []


def test_another_amount_than_asked_for_is_found(stripe: Stripe, account: StripeAccount) -> None:
    paid = attempt()
    name = str(stripe.charge(paid, "pm_card_visa").payment_id)
    account.intents[name]["amount_received"] = 2499

    found = stripe.look_up(paid)

    assert found
    assert not found.is_about(paid.amount, paid.currency)


@given(body=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["error", "id", "status", "type", "data"]), inner),
), status=st.sampled_from([200, 400, 402, 404, 409, 500]))  # fmt: skip
@hypothesis_settings(max_examples=60)
def test_no_answer_of_any_form_is_taken_for_a_charge_or_a_decline(
    stripe: Stripe, account: StripeAccount, body: Any, status: int
) -> None:
    account.faults.append((status, body))

    with pytest.raises(NoAnswer):
        stripe.charge(attempt(), "pm_card_visa")


def test_a_missing_key_stops_a_checkout_before_anything_is_sold(account: StripeAccount, shop: Shop) -> None:
    mug = shop.admin().product(stock=10)["productId"]
    ada = shop.customer()
    keep_secret({"apiKey": "not-set"})

    assert ada.order((mug, 1), token="pm_card_visa").status == 500

    assert (shop.stock(mug), account.requests) == (10, [])
    assert ada("GET", "/orders").body["orders"] == []


def test_a_checkout_is_paid_through_stripe_and_a_lost_answer_is_in_doubt(account: StripeAccount, shop: Shop) -> None:
    mug = shop.admin().product(stock=10)["productId"]
    ada = shop.customer()

    paid = ada.order((mug, 1), token="pm_card_visa")
    declined = ada.order((mug, 1), token="pm_card_visa_chargeDeclined")
    account.faults.append("lose")
    doubtful = ada.order((mug, 1), token="pm_card_visa")

    assert (paid.status, declined.status, doubtful.status) == (201, 402, 202)
    assert doubtful.body["paymentStatus"] == "unknown"
    assert shop.stock(mug) == 8


def test_prod_is_never_led_away_from_stripe(account: StripeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGE", "prod")
    settings.current.cache_clear()

    with pytest.raises(Misconfigured, match="PAYMENT_URL"):
        providers.current()


def test_neither_key_nor_token_nor_client_secret_is_logged(
    account: StripeAccount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    watch = Watch(monkeypatch)
    account.faults += [(401, {"error": {"message": f"Invalid API Key provided: {API_KEY}"}})]
    for token in ("pm_card_visa", "pm_card_authenticationRequired", "pm_card_visa_chargeDeclined", "pm_nobodys"):
        payments.charge(attempt(), token)
        assert payments.look_up(attempt()) is None

    libraries = [record.getMessage() for record in caplog.records if not record.name.startswith("botocore")]
    said = json.dumps([watch.lines, libraries, capsys.readouterr()])
    assert "PAYMENT_PROCESSED" in said
    assert not [each for each in (API_KEY, "pm_card", "_secret_", "whsec") if each in said]


def test_time_outs_stay_well_below_what_a_request_has() -> None:
    with mock.patch("stripe.RequestsClient") as made:
        stripe_provider._client.cache_clear()
        stripe_provider._client("sk_test_1", "")
    stripe_provider._client.cache_clear()

    connect, read = made.call_args.kwargs["timeout"]
    assert connect + read < 20


def paid(stripe: Stripe) -> tuple[str, str]:
    """The order of a payment that was taken, and the PaymentIntent."""
    tried = attempt()
    return tried.order_id, str(stripe.charge(tried, "pm_card_visa").payment_id)


def by_hand(account: StripeAccount, payment_id: str, **changes: Any) -> None:
    """Somebody refunds 4 dollars in Stripe's dashboard, and the buyer disputes 10."""
    names = {"payment_intent": payment_id, "metadata": {}}
    account.refunds["re_by_hand"] = fake.shape("refund", id="re_by_hand", amount=400, **names)
    account.disputes["du_1"] = fake.shape("dispute", id="du_1", **{**names, "status": "needs_response", **changes})


@pytest.mark.fault("F20")
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("needs_response", "open"), ("under_review", "open"), ("warning_needs_response", "open"), ("won", "won"),
        ("warning_closed", "won"), ("lost", "lost"),
    ],
)  # fmt: skip
def test_what_was_refunded_and_disputed_at_stripe_is_listed_whoever_asked_for_it(
    stripe: Stripe, account: StripeAccount, said: str, status: str
) -> None:
    order_id, payment_id = paid(stripe)
    ours = refund_of(attempt(order=order_id), payment_id, 300)
    stripe.refund(ours)
    by_hand(account, payment_id, status=said)

    found = stripe.look_up_returns(payment_id)

    assert {(each.provider_id, each.amount) for each in found.refunds} > {("re_by_hand", 400)}
    assert {each.refund_id for each in found.refunds} == {None, ours.refund_id}
    assert [(each.dispute_id, each.status, each.amount) for each in found.disputes] == [("du_1", status, 1000)]
    assert found.total == 700 + 1000 * (status == "lost")


@pytest.mark.fault("F20")
def test_a_look_up_says_whether_anything_of_a_payment_went_back(stripe: Stripe, account: StripeAccount) -> None:
    tried = attempt()
    taken = stripe.charge(tried, "pm_card_visa")

    before = stripe.look_up(msgspec.structs.replace(tried, payment_id=taken.payment_id))
    by_hand(account, str(taken.payment_id))
    after = stripe.look_up(msgspec.structs.replace(tried, payment_id=taken.payment_id))

    assert [bool(each and each.has_returns) for each in (before, after)] == [False, True]


@pytest.mark.fault("F20")
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        *((f"charge.dispute.{what}", "dispute") for what in ("created", "updated", "closed", "funds_withdrawn")),
        ("charge.dispute.funds_reinstated", "dispute"), ("refund.created", "refund"), ("refund.failed", "refund"),
    ],
)  # fmt: skip
def test_a_message_without_an_order_is_of_the_order_of_its_payment(
    stripe: Stripe, account: StripeAccount, kind: str, shape: str
) -> None:
    order_id, payment_id = paid(stripe)

    def heard(payment: str) -> Any:
        about = fake.shape(shape, payment_intent=payment, status="failed" if "failed" in kind else "lost"
                           if shape == "dispute" else "succeeded")  # fmt: skip
        body = json.dumps(fake.shape("event", type=kind, data={"object": about})).encode()
        header = library.WebhookSignature.generate_signature_header(body.decode(), "whsec_of_the_tests", clock.epoch())
        return stripe.read_event(body, {"Stripe-Signature": header}, clock.epoch())

    said = heard(payment_id)

    assert (said.kind, said.order_id, said.merchant_key) == ("return", order_id, f"{order_id}:1")
    account.intents[payment_id]["metadata"] = {}
    assert heard(payment_id) is None  # another system's on the same account
    with pytest.raises(NoAnswer):
        heard("pi_nobodys")


@pytest.mark.fault("F20")
def test_a_refund_and_a_lost_dispute_of_stripe_come_into_an_orders_books(account: StripeAccount, shop: Shop) -> None:
    root, ada = shop.admin(), shop.customer()
    mug = root.product(price=12.5)["productId"]
    order = ada.order((mug, 2), token="pm_card_visa").body
    by_hand(account, order["paymentId"], status="lost")
    about = account.refunds["re_by_hand"]
    body = json.dumps(fake.shape("event", type="refund.updated", data={"object": about}))
    header = library.WebhookSignature.generate_signature_header(body, "whsec_of_the_tests", clock.epoch())

    told = [Shop(shop.client)("POST", "/payments/webhook", raw=body, Stripe_Signature=header).status for _ in range(2)]

    shown = root("GET", f"/orders/{order['orderId']}").body
    assert told == [204, 204]
    assert (shown["refunded"], shown["refundedAtProvider"], shown["paymentStatus"]) == (14, 4, "partially_refunded")
    assert shown["disputes"][0]["status"] == "lost"
