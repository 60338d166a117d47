"""What is told of being forgotten, and an export, which shows addresses as they are written in their countries."""

from __future__ import annotations

from chalicelib.auth.views import SessionView
from chalicelib.cart.views import CartView
from chalicelib.core.schema import View
from chalicelib.orders.models import Order
from chalicelib.orders.views import OrderView, order_view
from chalicelib.users import addresses
from chalicelib.users.models import AuditEntry, User
from chalicelib.users.schemas import Erasure
from chalicelib.users.views import UserView, user_view


class ScheduledErasureView(View, frozen=True, kw_only=True):
    """That an erasure waits for orders which are under way."""

    erasure: Erasure


class ExportedOrder(OrderView, frozen=True, kw_only=True):
    """An order with what stands on its parcel and on its bill, line by line."""

    shipping_label: list[str]
    billing_label: list[str]


class ExportedUser(UserView, frozen=True, kw_only=True):
    """A profile with its addresses as labels, in the order of the addresses."""

    address_labels: list[list[str]]


class ExportView(View, frozen=True, kw_only=True):
    """Everything the shop knows about somebody."""

    profile: ExportedUser
    sessions: list[SessionView]
    cart: CartView
    orders: list[ExportedOrder]
    history: list[AuditEntry]


def exported_order(order: Order) -> ExportedOrder:
    """An order as its buyer's export shows it."""
    view = order_view(order)
    return ExportedOrder.of(
        view,
        shipping_label=addresses.lines(view.shipping_address),
        billing_label=addresses.lines(view.billing_address),
    )


def exported_user(user: User) -> ExportedUser:
    """A profile as its owner's export shows it."""
    return ExportedUser.of(user_view(user), address_labels=[addresses.lines(each) for each in user.addresses])
