"""Secrets of endpoints: shown once, replaced with an overlap."""

from __future__ import annotations

import pytest
from standardwebhooks.webhooks import Webhook as Receiver

from chalicelib.webhooks import store as webhook_store
from tests.support import table
from tests.support.faults import injected
from tests.support.payments import Mailbox
from tests.support.webhooks import URL, happen, hook, just_before, later, run
from tools.testing.shop import Shop, ShopAnswer


def test_a_repeated_registration_answers_with_the_same_endpoint_but_not_its_secret(root: Shop) -> None:
    body = {"url": URL, "events": ["*"]}

    first, again = (root("POST", "/webhooks", body, Idempotency_Key="k") for _ in range(2))

    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.body == {name: value for name, value in first.body.items() if name != "secret"}
    assert root("GET", "/webhooks").body["count"] == 1
    assert root("POST", "/webhooks", {**body, "description": "x"}, Idempotency_Key="k").status == 422
    assert where(first.body["secret"]) == {"SECRETS"}


def test_a_repeated_rotation_rotates_once(root: Shop) -> None:
    made = hook(root)
    path = f"/webhooks/{made['webhookId']}/secret"

    first, again = (root("POST", path, Idempotency_Key="k") for _ in range(2))

    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert (first.body["secret"] != made["secret"], "secret" in again.body) == (True, False)
    assert where(first.body["secret"]) == where(made["secret"]) == {"SECRETS"}


def where(secret: str) -> set[str]:
    """The sort keys of all items that hold a secret."""
    return {key.sk for key, item in table.everything().items() if secret in table.text_of(item)}


@pytest.mark.real_time  # the receiver's library has no other
def test_both_secrets_sign_for_a_day_after_a_rotation(root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    path = f"/webhooks/{made['webhookId']}/secret"
    second = root("POST", path).body["secret"]

    happen()
    run()

    body, headers = box.came[0]
    assert len(next(v for name, v in headers.items() if name.lower() == "webhook-signature").split(" ")) == 2
    for secret in (made["secret"], second):
        Receiver(secret).verify(body, headers)
    with later(hours=25):
        happen()
        run()
    signatures = next(v for name, v in box.came[1][1].items() if name.lower() == "webhook-signature")
    assert len(signatures.split(" ")) == 1


def test_a_secret_is_replaced_only_so_often_a_day(root: Shop) -> None:
    path = f"/webhooks/{hook(root)['webhookId']}/secret"

    answers = [root("POST", path) for _ in range(5)]

    assert [answer.status for answer in answers] == [201] * 4 + [409]
    assert answers[-1].body["code"] == "too_many_secrets"
    with later(hours=25):
        assert root.login("root@example.com")("POST", path).status == 201


def test_two_rotations_at_once_both_count(root: Shop) -> None:
    made, meanwhile = hook(root), list[ShopAnswer]()
    path = f"/webhooks/{made['webhookId']}/secret"

    with injected(just_before(lambda: meanwhile.append(root("POST", path)))):
        last = root("POST", path)

    secrets = webhook_store.get_secrets(made["webhookId"])
    assert secrets
    assert secrets.signing == (last.body["secret"], meanwhile[0].body["secret"], made["secret"])
