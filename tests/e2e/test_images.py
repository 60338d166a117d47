"""A product's image on its way from an admin's disk to a shopper's eyes, and what the storage keeps out."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from tests.e2e import customers
from tests.e2e.conftest import OpenShop
from tests.support.pictures import PNG

TOO_LARGE = PNG + bytes(6 * 1024 * 1024)


@dataclass
class Asked:
    """An image that somebody may upload."""

    product: str
    image_id: str
    url: str
    fields: dict[str, str]

    def upload(self, content: bytes = PNG, **changes: str) -> tuple[int, str]:
        """Post the form with the file; the storage's status and the code of its refusal."""
        fields: list[Any] = list({**self.fields, **changes}.items())
        answer = urllib3.request("POST", self.url, fields=[*fields, ("file", ("mug.png", content))], retries=False)
        return answer.status, answer.data.decode().partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture
def admin(visitors: customers.Visitors) -> customers.Shop:
    return visitors.admin()


@pytest.fixture
def guest(visitors: customers.Visitors) -> customers.Shop:
    return visitors.guest()


@pytest.fixture
def asked(admin: customers.Shop) -> Asked:
    product = customers.new_product(admin, category="posters")
    image = admin.request_image(product, customers.NewImage(content_type=customers.NewImageContentType.IMAGEPNG))
    return Asked(product, image.image_id, image.upload.url, image.upload.fields.to_dict())


def test_an_uploaded_image_is_seen_by_shoppers(
    open_shop: OpenShop, guest: customers.Shop, admin: customers.Shop, asked: Asked
) -> None:
    early = customers.code_of(admin.confirm_image, asked.product, asked.image_id)
    uploaded = asked.upload()
    confirmed = admin.confirm_image(asked.product, asked.image_id)

    url = str(guest.get_product(asked.product).image_url)
    seen = urllib3.request("GET", url)

    assert early == "image_not_uploaded"
    assert uploaded == (204, "")
    assert confirmed.image_url == url
    assert url.startswith(f"http://127.0.0.1:{open_shop.cloud_port}/")
    assert (seen.status, seen.data, seen.headers["Content-Type"]) == (200, PNG, "image/png")


def test_what_the_form_was_not_made_for_is_refused_by_the_storage(admin: customers.Shop, asked: Asked) -> None:
    policy = json.loads(b64decode(asked.fields["policy"]))
    wider = [["content-length-range", 1, 10**9] if "content-length-range" in each else each
             for each in policy["conditions"]]  # fmt: skip
    tampered = b64encode(json.dumps({**policy, "conditions": wider}).encode()).decode()

    assert asked.upload(TOO_LARGE) == (400, "EntityTooLarge")
    assert asked.upload(b"") == (400, "EntityTooSmall")
    assert asked.upload(**{"Content-Type": "text/html"}) == (403, "AccessDenied")
    assert asked.upload(key=f"products/{asked.product}/mine.png") == (403, "AccessDenied")
    assert asked.upload(**{"x-amz-meta-own": "field"}) == (403, "AccessDenied")
    assert asked.upload(TOO_LARGE, policy=tampered) == (403, "SignatureDoesNotMatch")
    assert asked.upload(policy=asked.fields["policy"][:-8]) == (403, "SignatureDoesNotMatch")
    assert customers.code_of(admin.confirm_image, asked.product, asked.image_id) == "image_not_uploaded"


def test_an_uploaded_page_is_removed_and_shown_with_no_product(
    guest: customers.Shop, admin: customers.Shop, asked: Asked
) -> None:
    assert asked.upload(b"<script>alert(1)</script>") == (204, "")

    refused = customers.code_of(admin.confirm_image, asked.product, asked.image_id)

    assert refused == "not_an_image"
    assert guest.get_product(asked.product).image_url is None
    assert urllib3.request("GET", f"{asked.url}/{asked.fields['key']}").status == 404
