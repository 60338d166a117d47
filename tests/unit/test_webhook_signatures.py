"""What deliveries are signed with, and how secrets are replaced."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from chalicelib.core import clock
from chalicelib.webhooks import signatures
from chalicelib.webhooks.signatures import Secrets, TooManySecrets

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.mark.real_time  # the receiver's library has no other
def test_a_receiver_verifies_with_the_specifications_own_library() -> None:
    secrets, body = Secrets.create(), b'{"id":"evt_1","data":{"price":12.50}}'
    headers = signatures.headers("evt_1", body, at=clock.epoch(), by=secrets.signing)

    Receiver(secrets.newest).verify(body, headers)

    for wrong in ({"webhook-id": "evt_2"}, {"webhook-timestamp": str(clock.epoch() + 1)}):
        with pytest.raises(WebhookVerificationError):
            Receiver(secrets.newest).verify(body, {**headers, **wrong})
    for stranger, tampered in ((signatures.new_secret(), body), (secrets.newest, body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Receiver(stranger).verify(tampered, headers)


def test_a_secret_has_256_random_bits() -> None:
    made = {signatures.new_secret() for _ in range(50)}

    assert len(made) == 50
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in made} == {32}


def test_the_old_secret_signs_beside_the_new_one_for_a_day() -> None:
    with clock.fixed(NOW):
        first = Secrets.create()
        both = first.rotated()
        assert both.signing == (both.newest, first.newest)
    with clock.fixed(NOW + timedelta(hours=23, minutes=59)):
        assert both.signing == (both.newest, first.newest)
    with clock.fixed(NOW + timedelta(hours=24)):
        assert both.signing == (both.newest,)
        third = both.rotated()
        assert third.signing == (third.newest, both.newest)


def test_an_old_secret_does_not_end_early_however_often_it_is_replaced() -> None:
    with clock.fixed(NOW):
        first = secrets = Secrets.create()
        for _ in range(4):
            secrets = secrets.rotated()
        with pytest.raises(TooManySecrets):
            secrets.rotated()
        assert (len(secrets.signing), secrets.signing[-1]) == (5, first.newest)


def test_a_secret_does_not_show_in_what_is_printed() -> None:
    secrets = Secrets.create()

    assert secrets.newest not in repr(secrets)
