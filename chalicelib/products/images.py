"""A product's image: an admin asks for leave to upload, uploads to the bucket, and has the shop look at it.

Only what was looked at is shown. A file that is never confirmed stays in the bucket, unknown to any product.
"""

from __future__ import annotations

import re

import msgspec

from chalicelib.api.idempotency import Claim
from chalicelib.aws import db, s3
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.principal import Principal
from chalicelib.products import service, store
from chalicelib.products.models import ImageNotUploaded, Listing, NotAnImage
from chalicelib.products.schemas import NewImage
from chalicelib.products.views import ImageView, UploadForm

MAX_BYTES = 5 * 1024 * 1024
OPEN_SECONDS = 600
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
_BEGINNINGS = {
    "png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "jpg": re.compile(rb"\xff\xd8\xff"),
    "webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_MAX_BEGINNING = 12


def request_upload(product_id: str, new: NewImage, *, claim: Claim) -> ImageView:
    """Leave to upload one image of that type for a product, within ten minutes."""
    service.get_managed(product_id)
    image_id, closing = ids.new("img"), clock.from_epoch(clock.epoch() + OPEN_SECONDS)
    key = f"{_key_prefix(product_id, image_id)}{_EXTENSIONS[new.content_type]}"
    form = s3.presign_upload(key, content_type=new.content_type, largest=MAX_BYTES, seconds=OPEN_SECONDS)
    view = ImageView(
        image_id=image_id,
        upload=UploadForm.of(form),
        expires_at=clock.timestamp(closing),
        largest_bytes=MAX_BYTES,
    )
    if record := claim.record(view):
        db.commit(*record)
    log.info("IMAGE_REQUESTED", productId=product_id, imageId=image_id)
    return view


def confirm_upload(product_id: str, image_id: str, *, actor: Principal) -> Listing:
    """Show an uploaded image with its product; a repetition changes nothing.

    Raises `ImageNotUploaded`, or `NotAnImage` and then removes the file.
    """
    before = service.get_managed(product_id)
    url = f"{settings.current().image_base_url}/{_require_image(product_id, image_id)}"
    if before.product.image_url == url:
        return before
    item = db.update_and_get(store.set_image(product_id, url, actor=actor.user_id))
    log.info("IMAGE_CONFIRMED", productId=product_id, imageId=image_id)
    return msgspec.structs.replace(before, product=store.product_from(item))


def _require_image(product_id: str, image_id: str) -> str:
    """The key of an uploaded file that is what its name says.

    Raises `ImageNotUploaded`; removes the file and raises `NotAnImage` when it is not.
    """
    found = s3.find(_key_prefix(product_id, image_id)) if ids.is_valid("img", image_id) else None
    if found is None:
        raise ImageNotUploaded("Nothing was uploaded under this image's id; upload the file first.")
    kind = found.key.rpartition(".")[2]
    begins = s3.read_beginning(found.key, count=_MAX_BEGINNING)
    if found.size > MAX_BYTES or not _BEGINNINGS[kind].match(begins):
        s3.delete(found.key)
        raise NotAnImage(f"The uploaded file is no {kind} image of at most {MAX_BYTES} bytes; it was removed.")
    return found.key


def _key_prefix(product_id: str, image_id: str) -> str:
    """Where in the bucket an image lies, up to the extension that says its type."""
    return f"products/{product_id}/{image_id}."
