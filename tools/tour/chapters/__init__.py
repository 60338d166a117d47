"""The stories of the tour, in the order in which they are told."""

from tools.tour.chapters import (
    accounts,
    carts,
    catalogue,
    coupons,
    documents,
    doors,
    leaving,
    orders,
    payments,
    sessions,
    shop,
    users,
    webhooks,
)

ALL = (
    ("The shop itself", shop.look_around),
    ("Pages and documents", documents.read),
    ("An account", accounts.open_account),
    ("Sessions", sessions.come_and_go),
    ("Doors that stay closed", doors.try_all),
    ("The catalogue", catalogue.stock_shelves),
    ("Carts", carts.fill),
    ("Coupons", coupons.give_discounts),
    ("Orders", orders.buy),
    ("Payments", payments.pay),
    ("Webhooks", webhooks.be_told),
    ("Users", users.manage),
    ("Leaving", leaving.leave),
)
