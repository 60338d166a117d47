"""Alerts to the shop's people: what they must hear of, and how it leaves."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.core import log, settings
from chalicelib.core.errors import Unavailable
from chalicelib.orders.incident_kinds import Incident
from chalicelib.products.models import Product


def publish_low_stock(product: Product, *, left: int) -> None:
    """Say that a product is about to be sold out."""
    number = f"SKU {product.sku}, " if product.sku else ""
    _publish("Low stock", f"{product.name} ({number}{product.product_id}) has {left} left.")


def publish_incident(found: Incident) -> None:
    """Say that an order needs people, and what to do; the facts are figures and names of things, never of persons."""
    told = [f"{each} {found.facts[each]}" for each in sorted(found.facts) if found.facts[each] is not None]
    what = f"Order {found.order_id}: {', '.join([found.name, *told])}."
    _publish("Incident", "\n\n".join([what, *(found.explanation or ())]))


def publish_webhook_disabled(webhook_id: str, reason: str) -> None:
    """Say that an endpoint hears nothing any more; its address, which may hold a secret, is not told."""
    why = {"gone": "it answered 410 Gone", "failing": "it has failed for five days"}.get(reason, reason)
    _publish("Webhook switched off", f"Webhook {webhook_id} was switched off: {why}. PATCH isActive to switch it on.")


def _publish(subject: str, message: str) -> None:
    topic = settings.current().alert_topic_arn
    if topic is None:  # a stage without its resources' stack, as a plain `chalice deploy` leaves it
        log.warning("ALERT_WITHOUT_TOPIC", message)
        return
    try:
        clients.sns().publish(TopicArn=topic, Subject=subject, Message=message)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The alert service refused or did not answer.") from error
