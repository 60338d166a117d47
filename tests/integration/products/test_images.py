"""Product images: what a form lets somebody upload, and what becomes of an upload."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from chalicelib.aws import clients, s3
from chalicelib.core import clock, ids
from chalicelib.products.images import MAX_BYTES
from tests.support.pictures import GIF, JPEG, KINDS, PNG, WEBP
from tools.testing.shop import Shop, ShopAnswer

BASE = "https://images.example.com"
BUCKET = "ecommerce-test"
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin()


@pytest.fixture
def mug(admin: Shop) -> str:
    return str(admin.product()["productId"])


def ask(admin: Shop, product_id: str, content_type: str = "image/png", **headers: str) -> ShopAnswer:
    return admin("POST", f"/products/{product_id}/images", {"contentType": content_type}, **headers)


def confirm(admin: Shop, product_id: str, image_id: str) -> ShopAnswer:
    return admin("PUT", f"/products/{product_id}/images/{image_id}")


def upload(asked: ShopAnswer, content: bytes) -> str:
    """Put a file where a form would; its key."""
    key = str(asked.body["upload"]["fields"]["key"])
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    return key


def stored() -> list[str]:
    return [each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def policy(asked: ShopAnswer) -> dict[str, Any]:
    return dict(json.loads(b64decode(asked.body["upload"]["fields"]["policy"])))


@pytest.mark.real_time  # boto3 dates what it signs
@pytest.mark.parametrize("content_type", list(KINDS))
def test_a_form_is_good_for_one_key_one_type_five_mebibytes_and_ten_minutes(
    admin: Shop, mug: str, content_type: str
) -> None:
    before = clock.now()

    asked = ask(admin, mug, content_type)
    after = clock.now()

    assert asked.status == 201
    image_id, fields = asked.body["imageId"], asked.body["upload"]["fields"]
    key = f"products/{mug}/{image_id}.{EXTENSIONS[content_type]}"
    assert ids.is_valid("img", image_id)
    assert asked.body["upload"]["url"] == f"https://{BUCKET}.s3.amazonaws.com/"
    assert (fields["key"], fields["Content-Type"]) == (key, content_type)
    assert asked.body["largestBytes"] == MAX_BYTES == 5_242_880
    assert policy(asked)["conditions"] == [
        ["eq", "$Content-Type", content_type],
        ["content-length-range", 1, MAX_BYTES],
        {"bucket": BUCKET},
        {"key": key},
        *({name: fields[name]} for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date")),
    ]
    closing, promised = (datetime.fromisoformat(each) for each in (policy(asked)["expiration"], expiry(asked)))
    assert before + timedelta(seconds=599) <= promised <= closing <= after + timedelta(seconds=601)


def expiry(asked: ShopAnswer) -> str:
    return str(asked.body["expiresAt"])


def test_a_form_leads_to_the_buckets_own_address_in_its_region(
    admin: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The global address answers with a redirect there, which browsers do not follow."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    assert ask(admin, mug).body["upload"]["url"] == f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/"


def test_other_kinds_of_files_are_refused(admin: Shop, mug: str) -> None:
    others: list[Any] = ["image/gif", "image/svg+xml", "IMAGE/PNG", "", None, 1]

    answers = [ask(admin, mug, content_type) for content_type in others]

    assert [answer.status for answer in answers] == [400] * len(others)
    assert [[field for field, _ in answer.fields] for answer in answers] == [["contentType"]] * len(others)


def test_asking_twice_with_a_key_is_asking_once(admin: Shop, mug: str) -> None:
    first, again = (ask(admin, mug, Idempotency_Key="k") for _ in range(2))
    other = ask(admin, mug, "image/webp", Idempotency_Key="k")

    assert first.status == again.status == 201
    assert first.text == again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    assert ask(admin, mug).body["imageId"] != ask(admin, mug).body["imageId"]


@pytest.mark.parametrize(
    ("content_type", "is_active"), [("image/png", True), ("image/jpeg", True), ("image/webp", False)]
)
def test_a_confirmed_image_is_shown_with_its_product(admin: Shop, content_type: str, *, is_active: bool) -> None:
    product = admin.product(isActive=is_active)
    asked = ask(admin, product["productId"], content_type)
    key = upload(asked, KINDS[content_type])

    confirmed = confirm(admin, product["productId"], asked.body["imageId"])

    assert confirmed.status == 200
    changed = {"imageUrl": f"{BASE}/{key}", "updatedAt": confirmed.body["updatedAt"]}
    assert confirmed.body == {**product, **changed}
    shown = admin("GET", f"/admin/products/{product['productId']}")
    assert (shown.text, shown.headers["ETag"]) == (confirmed.text, confirmed.headers["ETag"])


def test_confirming_again_changes_nothing_and_another_image_takes_its_place(admin: Shop, mug: str) -> None:
    asked, newer = ask(admin, mug), ask(admin, mug)
    upload(asked, PNG)
    key = upload(newer, PNG)

    first, again = (confirm(admin, mug, asked.body["imageId"]) for _ in range(2))
    replaced = confirm(admin, mug, newer.body["imageId"])

    assert (first.text, first.headers["ETag"]) == (again.text, again.headers["ETag"])
    assert replaced.body["imageUrl"] == f"{BASE}/{key}"
    assert replaced.headers["ETag"] != first.headers["ETag"]


def test_a_change_based_on_the_product_without_its_image_is_refused(admin: Shop, mug: str) -> None:
    before, asked = admin("GET", f"/products/{mug}").headers["ETag"], ask(admin, mug)
    upload(asked, PNG)
    confirm(admin, mug, asked.body["imageId"])

    assert admin("PATCH", f"/products/{mug}", {"name": "Cup"}, If_Match=before).status == 412
    assert admin("PATCH", f"/products/{mug}", {"name": "Cup"}).body["imageUrl"].startswith(BASE)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("image/png", b"<html><script>alert(1)</script></html>"),
        ("image/png", GIF),
        ("image/png", JPEG),
        ("image/png", PNG[:7]),
        ("image/png", b" " + PNG),
        ("image/jpeg", PNG),
        ("image/webp", b"RIFF\x24\x00\x00\x00WAVEfmt "),
        ("image/webp", b""),
        ("image/png", PNG + bytes(MAX_BYTES)),
    ],
)
def test_a_file_that_is_not_what_it_was_said_to_be_is_removed(
    admin: Shop, mug: str, content_type: str, content: bytes
) -> None:
    asked = ask(admin, mug, content_type)
    upload(asked, content)

    refused = confirm(admin, mug, asked.body["imageId"])

    assert (refused.status, refused.body["code"]) == (422, "not_an_image")
    assert stored() == []
    assert admin("GET", f"/products/{mug}").body["imageUrl"] is None
    assert confirm(admin, mug, asked.body["imageId"]).body["code"] == "image_not_uploaded"


def test_an_image_of_the_largest_size_is_taken(admin: Shop, mug: str) -> None:
    asked = ask(admin, mug)
    upload(asked, PNG + bytes(MAX_BYTES - len(PNG)))

    assert confirm(admin, mug, asked.body["imageId"]).status == 200


def test_an_image_that_nobody_uploaded_is_a_conflict(admin: Shop, mug: str) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"products/{mug}/other.png", Body=PNG)

    for image_id in ("img_01JD0000000000000000000000", "img_", "other", "..", "%2E%2E%2F%2E%2E", "x" * 2000):
        answer = confirm(admin, mug, image_id)
        assert (answer.status, answer.body["code"]) == (409, "image_not_uploaded")


def test_an_image_belongs_to_the_product_it_was_asked_for(admin: Shop, mug: str) -> None:
    cup, asked = admin.product()["productId"], ask(admin, mug)
    upload(asked, WEBP)

    assert confirm(admin, cup, asked.body["imageId"]).body["code"] == "image_not_uploaded"


def test_an_unknown_product_has_no_images(admin: Shop) -> None:
    for product_id in ("prd_01JD0000000000000000000000", "nothing", "x" * 3000):
        answers = [ask(admin, product_id, Idempotency_Key="k"), confirm(admin, product_id, ids.new("img"))]
        assert [(answer.status, answer.body["code"]) for answer in answers] == [(404, "product_not_found")] * 2


def test_a_deleted_product_gets_no_image(admin: Shop, mug: str) -> None:
    asked = ask(admin, mug)
    upload(asked, PNG)
    admin("DELETE", f"/products/{mug}")

    answers = [ask(admin, mug), confirm(admin, mug, asked.body["imageId"])]

    assert [(answer.status, answer.body["code"]) for answer in answers] == [(404, "product_not_found")] * 2


def test_a_product_that_is_deleted_while_its_image_is_looked_at_stays_without(
    admin: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, look = ask(admin, mug), s3.read_beginning
    upload(asked, PNG)

    def deleted_meanwhile(key: str, *, count: int) -> bytes:
        assert admin("DELETE", f"/products/{mug}").status == 204
        return look(key, count=count)

    monkeypatch.setattr(s3, "read_beginning", deleted_meanwhile)

    assert confirm(admin, mug, asked.body["imageId"]).body["code"] == "product_not_found"
    item = boto3.client("dynamodb").get_item(
        TableName="ecommerce-test", Key={"PK": {"S": f"PRODUCT#{mug}"}, "SK": {"S": "METADATA"}}
    )["Item"]
    assert "imageUrl" not in item


@pytest.mark.parametrize(
    "failure",
    [
        EndpointConnectionError(endpoint_url="https://s3.example.com"),
        ClientError({"Error": {"Code": "SlowDown"}}, "ListObjectsV2"),
    ],
    ids=["silent", "busy"],
)
def test_a_storage_that_does_not_answer_is_unavailable(
    admin: Shop, mug: str, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(clients, "s3", lambda: Mock(list_objects_v2=Mock(side_effect=failure)))

    answer = confirm(admin, mug, ids.new("img"))

    assert (answer.status, answer.body["code"]) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]


def test_a_storage_that_refuses_is_a_failure_of_ours(admin: Shop, mug: str) -> None:
    boto3.client("s3").delete_bucket(Bucket=BUCKET)

    assert confirm(admin, mug, ids.new("img")).status == 500
