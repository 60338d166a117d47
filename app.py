"""The shop's table of contents: every way in, by domain, then the functions that AWS calls by itself.

A route says its method, path and shapes; who may call it stands in chalicelib/api/permissions.py; what it does is a
function of a domain's service.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from chalice import Chalice, Cron, IAMAuthorizer, Rate
from chalice.app import CloudWatchEvent, DynamoDBEvent

from chalicelib.api import (
    caching,
    docs,
    documents,
    failures,
    front,
    health,
    http,
    pages,
    problem_codes,
    problem_pages,
    problems,
)
from chalicelib.api.answers import Greeting, HealthView, Notice
from chalicelib.api.calls import Answer, Call, Document, Page, cart_headers, with_etag
from chalicelib.api.front import FrontView
from chalicelib.api.problem_codes import ProblemCodesView, ProblemMeaningView
from chalicelib.auth import accounts, tokens
from chalicelib.auth import service as auth
from chalicelib.auth.models import IDLE_LIFETIME
from chalicelib.auth.schemas import (
    Credentials,
    ForgotRequest,
    LogoutQuery,
    PasswordChange,
    RefreshRequest,
    ResetRequest,
    VerifyRequest,
)
from chalicelib.auth.views import LoginView, SessionView
from chalicelib.authorizer import authorize, gate
from chalicelib.aws import rotation
from chalicelib.cart import abandoned
from chalicelib.cart import service as cart
from chalicelib.cart.schemas import NewLine, NewQuantity
from chalicelib.cart.views import CartView, LineView, LoginWithCartView
from chalicelib.core import log, principal, settings
from chalicelib.core.schema import PageQuery
from chalicelib.coupons import service as coupons
from chalicelib.coupons.models import Bearer
from chalicelib.coupons.schemas import CouponChange, CouponCheck, NewCoupon
from chalicelib.coupons.views import CouponView, DiscountedCartView, coupon_view
from chalicelib.notifications import mail_events
from chalicelib.notifications import service as notifications
from chalicelib.orders import checkout, provider_messages, sweep
from chalicelib.orders import service as orders
from chalicelib.orders.schemas import OrderQuery, OrderRequest, OrderStatusChange, RefundRequest
from chalicelib.orders.views import IncidentView, OrderView, RefundView, StatusView
from chalicelib.privacy import service as privacy
from chalicelib.privacy.views import ExportView, ScheduledErasureView
from chalicelib.products import images
from chalicelib.products import service as products
from chalicelib.products.schemas import (
    CategoryQuery,
    ManagedProductQuery,
    NewImage,
    NewMovement,
    NewProduct,
    ProductChange,
    ProductQuery,
    ProductReplacement,
)
from chalicelib.products.views import CategoryView, ImageView, MovementView, ProductView, listing_view
from chalicelib.reports import audit, sales
from chalicelib.reports.views import LatestReportView
from chalicelib.users import service as users
from chalicelib.users.models import AuditEntry
from chalicelib.users.schemas import NewUser, Profile, ProfileChange, Registration, RoleGrant, StatusChange, UserQuery
from chalicelib.users.views import UserView, user_view
from chalicelib.webhooks import service as webhooks
from chalicelib.webhooks.schemas import NewWebhook, WebhookChange
from chalicelib.webhooks.views import DeliveryView, IssuedView, WebhookView, issued_view, webhook_view

SWEEP_SECONDS = 40  # of the minute that its function has
ERASURE_SECONDS = 10  # of the same minute
DELIVERY_SECONDS = 50  # of the minute and a half that its function has
AUDIT_SECONDS = 840  # of the quarter of an hour that its function has
CARTS_SECONDS = 240  # of the five minutes that its function has
SALES_SECONDS = 840  # of the quarter of an hour that its function has

app = Chalice(app_name="ecommerce")
app.api.binary_types = []
app.api.cors = problems.cors()
app.register_blueprint(gate)
app.register_middleware(problems.for_gateway_answers, "http")
failures.adopt(app)
endpoint = http.endpoint_for(app, authenticate=tokens.authenticate, require_open=auth.require_open_session)
managers = IAMAuthorizer() if settings.users_by_iam() else authorize

# --- The shop itself


@app.route("/", methods=["GET"])
@endpoint(offers=pages.OFFERS, kept=caching.FOR_A_MINUTE)
def get_front(call: Call) -> FrontView | Document:
    return front.page(call.base) if call.accepted == pages.HTML else front.view(call.base)


@app.route("/problems", methods=["GET"])
@endpoint(offers=pages.OFFERS, kept=caching.FOR_A_DAY)
def list_problem_codes(call: Call) -> ProblemCodesView | Document:
    return problem_pages.list_page(call.base) if call.accepted == pages.HTML else problem_codes.known()


@app.route("/problems/{code}", methods=["GET"])
@endpoint(offers=pages.OFFERS, kept=caching.FOR_A_DAY)
def get_problem_code(call: Call, code: str) -> ProblemMeaningView | Document:
    return problem_pages.page(code, call.base) if call.accepted == pages.HTML else problem_codes.get(code)


@app.route("/hello", methods=["GET"])
@endpoint(kept=caching.FOR_A_MINUTE)
def hello(call: Call) -> Greeting:
    return Greeting(message="Hello from Lambda", path="/hello")


@app.route("/health", methods=["GET"])
@endpoint(kept=caching.ALIVE)
def get_health(call: Call) -> HealthView:
    return health.report(*call.function, checkout=checkout.readiness())


@app.route("/openapi.json", methods=["GET"])
@endpoint(kept=caching.WHILE_UNCHANGED)
def get_openapi_document(call: Call) -> Document:
    return documents.read("openapi.json")


@app.route("/asyncapi.json", methods=["GET"])
@endpoint(kept=caching.WHILE_UNCHANGED)
def get_asyncapi_document(call: Call) -> Document:
    return documents.read("asyncapi.json")


@app.route("/docs", methods=["GET"])
@endpoint(kept=caching.FOR_A_MINUTE, offers=(pages.HTML,))
def get_docs(call: Call) -> Document:
    return docs.page(call.base)


# --- Accounts


@app.route("/auth/register", methods=["POST"])
@endpoint(takes=Registration, status=201, owner=lambda new: new.email)
def register(call: Call) -> UserView:
    return users.register(call.body, source=call.source, claim=call.claim)


@app.route("/auth/login", methods=["POST"])
@endpoint(takes=Credentials)
def login(call: Call) -> LoginWithCartView:
    return cart.merge_at_login(auth.login(call.body, device=call.device), call.body.cart_token)


@app.route("/auth/refresh", methods=["POST"])
@endpoint(takes=RefreshRequest)
def refresh(call: Call) -> LoginView:
    return auth.refresh(call.body.refresh_token)


@app.route("/auth/logout", methods=["POST"], authorizer=authorize)
@endpoint(query=LogoutQuery)
def logout(call: Call) -> None:
    end = accounts.log_out_everywhere if call.query.all else auth.logout
    end(call.user)


@app.route("/auth/me", methods=["GET"], authorizer=authorize)
@endpoint()
def get_me(call: Call) -> UserView:
    return user_view(users.get(call.user.user_id, call.user))


@app.route("/auth/password/forgot", methods=["POST"])
@endpoint(takes=ForgotRequest, status=202)
def forgot_password(call: Call) -> Notice:
    accounts.request_password_reset(call.body.email)
    return Notice(message="If somebody has this address, a mail is on its way to it.")


@app.route("/auth/password/reset", methods=["POST"])
@endpoint(takes=ResetRequest)
def reset_password(call: Call) -> None:
    accounts.reset_password(call.body.token, call.body.password)


@app.route("/auth/verify", methods=["POST"])
@endpoint(takes=VerifyRequest)
def verify_email(call: Call) -> None:
    accounts.verify_email(call.body.token)


@app.route("/sessions", methods=["POST"])
@endpoint(takes=Credentials, status=201)
def create_session(call: Call) -> LoginWithCartView:
    opened = auth.login(call.body, device=call.device, idle=IDLE_LIFETIME)
    return cart.merge_at_login(opened, call.body.cart_token)


@app.route("/sessions", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="sessions")
def list_sessions(call: Call) -> Page[SessionView]:
    return auth.list_page(call.user, limit=call.query.limit, after=call.position())


@app.route("/sessions/{session_id}", methods=["GET"], authorizer=authorize)
@endpoint()
def get_session(call: Call, session_id: str) -> SessionView:
    return auth.get_session(session_id, call.user)


@app.route("/sessions/{session_id}", methods=["DELETE"], authorizer=authorize)
@endpoint()
def revoke_session(call: Call, session_id: str) -> None:
    auth.revoke(session_id, call.user)


@app.route("/users/profile", methods=["GET"], authorizer=authorize)
@endpoint()
def get_profile(call: Call) -> Answer[UserView]:
    return with_etag(users.get(call.user.user_id, call.user), user_view)


@app.route("/users/profile", methods=["PUT"], authorizer=authorize)
@endpoint(takes=ProfileChange)
def update_profile(call: Call) -> Answer[UserView]:
    return with_etag(users.update(call.user.user_id, call.body, actor=call.user, if_match=call.if_match), user_view)


@app.route("/users/profile", methods=["DELETE"], authorizer=authorize)
@endpoint(status=202)
def erase_profile(call: Call) -> ScheduledErasureView | None:
    return privacy.erase(call.user)


@app.route("/users/profile/erasure", methods=["DELETE"], authorizer=authorize)
@endpoint()
def revoke_erasure(call: Call) -> None:
    privacy.revoke(call.user)


@app.route("/users/profile/export", methods=["GET"], authorizer=authorize)
@endpoint()
def export_profile(call: Call) -> ExportView:
    return privacy.export(call.user)


@app.route("/users/password", methods=["PUT"], authorizer=authorize)
@endpoint(takes=PasswordChange)
def change_password(call: Call) -> None:
    accounts.change_password(call.body, call.user)


# --- User management, for admins with a token or for services that sign, as the stage chooses


@app.route("/users", methods=["POST"], authorizer=managers)
@endpoint(takes=NewUser, status=201)
def create_user(call: Call) -> Answer[UserView]:
    return with_etag(accounts.create(call.body, actor=call.user, claim=call.claim), user_view)


@app.route("/users", methods=["GET"], authorizer=managers)
@endpoint(query=UserQuery, lists="users")
def list_users(call: Call) -> Page[UserView]:
    return users.list_page(call.query, call.position())


@app.route("/users/{user_id}", methods=["GET"], authorizer=managers)
@endpoint()
def get_user(call: Call, user_id: str) -> Answer[UserView]:
    return with_etag(users.get(user_id, call.user), user_view)


@app.route("/users/{user_id}", methods=["PUT"], authorizer=managers)
@endpoint(takes=Profile)
def replace_user(call: Call, user_id: str) -> Answer[UserView]:
    return with_etag(users.update(user_id, call.body, actor=call.user, if_match=call.if_match), user_view)


@app.route("/users/{user_id}", methods=["PATCH"], authorizer=managers)
@endpoint(takes=ProfileChange)
def update_user(call: Call, user_id: str) -> Answer[UserView]:
    return with_etag(users.update(user_id, call.body, actor=call.user, if_match=call.if_match), user_view)


@app.route("/users/{user_id}", methods=["DELETE"], authorizer=managers)
@endpoint()
def delete_user(call: Call, user_id: str) -> None:
    accounts.delete(user_id, actor=call.user)


@app.route("/users/{user_id}/erasure", methods=["POST"], authorizer=managers)
@endpoint(status=202)
def erase_user(call: Call, user_id: str) -> ScheduledErasureView | None:
    return privacy.erase_other(user_id, call.user)


@app.route("/users/{user_id}/status", methods=["PUT"], authorizer=managers)
@endpoint(takes=StatusChange)
def set_user_status(call: Call, user_id: str) -> UserView:
    return accounts.set_status(user_id, call.body, actor=call.user)


@app.route("/users/{user_id}/roles", methods=["POST"], authorizer=managers)
@endpoint(takes=RoleGrant)
def grant_role(call: Call, user_id: str) -> UserView:
    return accounts.grant_role(user_id, call.body.role, actor=call.user)


@app.route("/users/{user_id}/roles/{role}", methods=["DELETE"], authorizer=managers)
@endpoint()
def withdraw_role(call: Call, user_id: str, role: str) -> UserView:
    return accounts.withdraw_role(user_id, principal.parse_role(role), actor=call.user)


@app.route("/users/{user_id}/audit", methods=["GET"], authorizer=managers)
@endpoint(query=PageQuery, lists="entries")
def list_history(call: Call, user_id: str) -> Page[AuditEntry]:
    return users.list_history(user_id, limit=call.query.limit, after=call.position())


# --- Catalogue


@app.route("/products", methods=["GET"])
@endpoint(query=ProductQuery, lists="products", kept=caching.FOR_A_MINUTE)
def list_products(call: Call) -> Page[ProductView]:
    return products.list_page(call.query, call.position(), category=call.query.category)


@app.route("/products", methods=["POST"], authorizer=authorize)
@endpoint(takes=NewProduct, status=201)
def create_product(call: Call) -> Answer[ProductView]:
    return with_etag(products.create(call.body, actor=call.user, claim=call.claim), listing_view)


@app.route("/products/{product_id}", methods=["GET"])
@endpoint(kept=caching.WHILE_UNCHANGED)
def get_product(call: Call, product_id: str) -> Answer[ProductView]:
    return with_etag(products.get(product_id), listing_view)


@app.route("/products/{product_id}", methods=["PUT"], authorizer=authorize)
@endpoint(takes=ProductReplacement)
def replace_product(call: Call, product_id: str) -> Answer[ProductView]:
    return with_etag(products.update(product_id, call.body, actor=call.user, if_match=call.if_match), listing_view)


@app.route("/products/{product_id}", methods=["PATCH"], authorizer=authorize)
@endpoint(takes=ProductChange)
def update_product(call: Call, product_id: str) -> Answer[ProductView]:
    return with_etag(products.update(product_id, call.body, actor=call.user, if_match=call.if_match), listing_view)


@app.route("/products/{product_id}", methods=["DELETE"], authorizer=authorize)
@endpoint()
def delete_product(call: Call, product_id: str) -> None:
    products.delete(product_id, actor=call.user, if_match=call.if_match)


@app.route("/products/{product_id}/stock", methods=["POST"], authorizer=authorize)
@endpoint(takes=NewMovement, status=201)
def adjust_stock(call: Call, product_id: str) -> MovementView:
    return products.adjust_stock(product_id, call.body, actor=call.user, claim=call.claim)


@app.route("/products/{product_id}/stock", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="movements")
def list_stock_movements(call: Call, product_id: str) -> Page[MovementView]:
    return products.list_movements(product_id, limit=call.query.limit, after=call.position())


@app.route("/products/{product_id}/images", methods=["POST"], authorizer=authorize)
@endpoint(takes=NewImage, status=201)
def request_image(call: Call, product_id: str) -> ImageView:
    return images.request_upload(product_id, call.body, claim=call.claim)


@app.route("/products/{product_id}/images/{image_id}", methods=["PUT"], authorizer=authorize)
@endpoint()
def confirm_image(call: Call, product_id: str, image_id: str) -> Answer[ProductView]:
    return with_etag(images.confirm_upload(product_id, image_id, actor=call.user), listing_view)


@app.route("/products/category/{category}", methods=["GET"])
@endpoint(query=CategoryQuery, lists="products", kept=caching.FOR_A_MINUTE)
def list_category(call: Call, category: str) -> Page[ProductView]:
    return products.list_page(call.query, call.position(), category=category)


@app.route("/categories", methods=["GET"])
@endpoint(query=PageQuery, lists="categories", kept=caching.FOR_A_MINUTE)
def list_categories(call: Call) -> Page[CategoryView]:
    return products.list_categories(limit=call.query.limit, after=call.position())


@app.route("/admin/products", methods=["GET"], authorizer=authorize)
@endpoint(query=ManagedProductQuery, lists="products")
def list_managed_products(call: Call) -> Page[ProductView]:
    narrowed = {"category": call.query.category, "active": call.query.active}
    return products.list_page(call.query, call.position(), **narrowed)


@app.route("/admin/products/{product_id}", methods=["GET"], authorizer=authorize)
@endpoint()
def get_managed_product(call: Call, product_id: str) -> Answer[ProductView]:
    return with_etag(products.get_managed(product_id), listing_view)


# --- Cart


@app.route("/cart", methods=["GET"])
@endpoint()
def get_cart(call: Call) -> CartView:
    return cart.get(cart.owner(call.principal, call.cart_token))


@app.route("/cart", methods=["DELETE"])
@endpoint()
def clear_cart(call: Call) -> None:
    cart.clear(cart.owner(call.principal, call.cart_token))


@app.route("/cart/items", methods=["POST"])
@endpoint(takes=NewLine, status=201)
def add_to_cart(call: Call) -> Answer[LineView]:
    whose = cart.owner(call.principal, call.cart_token)
    return Answer(cart.add_item(call.body, whose, call.claim, call.use), cart_headers(whose.token))


@app.route("/cart/items/{item_id}", methods=["PUT"])
@endpoint(takes=NewQuantity)
def update_cart_item(call: Call, item_id: str) -> LineView | None:
    return cart.update_item(item_id, call.body.quantity, cart.owner(call.principal, call.cart_token))


@app.route("/cart/items/{item_id}", methods=["DELETE"])
@endpoint()
def remove_cart_item(call: Call, item_id: str) -> None:
    cart.remove_item(item_id, cart.owner(call.principal, call.cart_token))


@app.route("/cart/coupon", methods=["POST"])
@endpoint(takes=CouponCheck)
def check_cart_coupon(call: Call) -> DiscountedCartView:
    whose = cart.owner(call.principal, call.cart_token)
    return coupons.check(call.body.code, whose, Bearer.of(call.principal, source=call.source))


# --- Coupons


@app.route("/coupons", methods=["POST"], authorizer=authorize)
@endpoint(takes=NewCoupon, status=201)
def create_coupon(call: Call) -> Answer[CouponView]:
    return with_etag(coupons.create(call.body, actor=call.user, claim=call.claim), coupon_view)


@app.route("/coupons", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="coupons")
def list_coupons(call: Call) -> Page[CouponView]:
    return coupons.list_page(limit=call.query.limit, after=call.position())


@app.route("/coupons/{code}", methods=["GET"], authorizer=authorize)
@endpoint()
def get_coupon(call: Call, code: str) -> Answer[CouponView]:
    return with_etag(coupons.get(code), coupon_view)


@app.route("/coupons/{code}", methods=["PATCH"], authorizer=authorize)
@endpoint(takes=CouponChange)
def update_coupon(call: Call, code: str) -> Answer[CouponView]:
    return with_etag(coupons.update(code, call.body, actor=call.user, if_match=call.if_match), coupon_view)


@app.route("/coupons/{code}", methods=["DELETE"], authorizer=authorize)
@endpoint()
def delete_coupon(call: Call, code: str) -> None:
    coupons.delete(code, actor=call.user, if_match=call.if_match)


# --- Orders


def _resume(call: Call, order_id: str) -> OrderView:
    return orders.resume(order_id, call.user)


@app.route("/orders", methods=["POST"], authorizer=authorize)
@endpoint(takes=OrderRequest, status=201, pending=202, resume=_resume)
def place_order(call: Call) -> OrderView:
    return orders.place(call.body, buyer=call.user, claim=call.claim, use=call.use)


@app.route("/orders", methods=["GET"], authorizer=authorize)
@endpoint(query=OrderQuery, lists="orders")
def list_orders(call: Call) -> Page[OrderView]:
    return orders.list_page(call.user, call.query, call.position())


@app.route("/orders/{order_id}", methods=["GET"], authorizer=authorize)
@endpoint()
def get_order(call: Call, order_id: str) -> OrderView:
    return orders.get(order_id, call.user)


@app.route("/orders/{order_id}/status", methods=["GET"], authorizer=authorize)
@endpoint()
def get_order_status(call: Call, order_id: str) -> StatusView:
    return orders.get_status(order_id, call.user)


@app.route("/orders/{order_id}/cancel", methods=["PUT"], authorizer=authorize)
@endpoint()
def cancel_order(call: Call, order_id: str) -> OrderView:
    return orders.cancel(order_id, call.user)


@app.route("/orders/{order_id}/status", methods=["PUT"], authorizer=authorize)
@endpoint(takes=OrderStatusChange)
def update_order_status(call: Call, order_id: str) -> OrderView:
    return orders.update_status(order_id, call.body, call.user)


def _resume_refund(call: Call, subject: str) -> RefundView:
    return orders.resume_refund(subject, call.user)


@app.route("/orders/{order_id}/refunds", methods=["POST"], authorizer=authorize)
@endpoint(takes=RefundRequest, status=201, pending=202, resume=_resume_refund)
def refund_order(call: Call, order_id: str) -> RefundView:
    return orders.refund(order_id, call.body, actor=call.user, claim=call.claim)


@app.route("/orders/{order_id}/refunds", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="refunds")
def list_refunds(call: Call, order_id: str) -> Page[RefundView]:
    return orders.list_refunds(order_id, call.user, limit=call.query.limit, after=call.position())


@app.route("/admin/audit", methods=["GET"], authorizer=authorize)
@endpoint()
def get_store_audit(call: Call) -> LatestReportView:
    return LatestReportView(report=audit.get_latest())


@app.route("/admin/incidents", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="incidents")
def list_incidents(call: Call) -> Page[IncidentView]:
    return orders.list_incidents(limit=call.query.limit, after=call.position())


@app.route("/payments/webhook", methods=["POST"])
@endpoint(takes=bytes)
def receive_payment_webhook(call: Call) -> None:
    provider_messages.receive(call.body, call.headers)


# --- Webhooks that the shop sends


@app.route("/webhooks", methods=["POST"], authorizer=authorize)
@endpoint(takes=NewWebhook, status=201)
def create_webhook(call: Call) -> Answer[IssuedView]:
    return with_etag(webhooks.create(call.body, actor=call.user, claim=call.claim), issued_view)


@app.route("/webhooks", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="webhooks")
def list_webhooks(call: Call) -> Page[WebhookView]:
    return webhooks.list_page(limit=call.query.limit, after=call.position())


@app.route("/webhooks/{webhook_id}", methods=["GET"], authorizer=authorize)
@endpoint()
def get_webhook(call: Call, webhook_id: str) -> Answer[WebhookView]:
    return with_etag(webhooks.get(webhook_id), webhook_view)


@app.route("/webhooks/{webhook_id}", methods=["PATCH"], authorizer=authorize)
@endpoint(takes=WebhookChange)
def update_webhook(call: Call, webhook_id: str) -> Answer[WebhookView]:
    return with_etag(webhooks.update(webhook_id, call.body, actor=call.user, if_match=call.if_match), webhook_view)


@app.route("/webhooks/{webhook_id}", methods=["DELETE"], authorizer=authorize)
@endpoint()
def delete_webhook(call: Call, webhook_id: str) -> None:
    webhooks.delete(webhook_id, if_match=call.if_match)


@app.route("/webhooks/{webhook_id}/secret", methods=["POST"], authorizer=authorize)
@endpoint(status=201)
def rotate_webhook_secret(call: Call, webhook_id: str) -> Answer[IssuedView]:
    return with_etag(webhooks.rotate_secret(webhook_id, claim=call.claim), issued_view)


@app.route("/webhooks/{webhook_id}/test", methods=["POST"], authorizer=authorize)
@endpoint(status=202)
def test_webhook(call: Call, webhook_id: str) -> DeliveryView:
    return webhooks.send_test(webhook_id, claim=call.claim)


@app.route("/webhooks/{webhook_id}/deliveries", methods=["GET"], authorizer=authorize)
@endpoint(query=PageQuery, lists="deliveries")
def list_webhook_deliveries(call: Call, webhook_id: str) -> Page[DeliveryView]:
    return webhooks.list_deliveries(webhook_id, limit=call.query.limit, after=call.position())


@app.route("/webhooks/{webhook_id}/deliveries/{delivery_id}/retry", methods=["POST"], authorizer=authorize)
@endpoint(status=202)
def retry_webhook_delivery(call: Call, webhook_id: str, delivery_id: str) -> DeliveryView:
    return webhooks.retry_delivery(webhook_id, delivery_id, claim=call.claim)


http.answer_head(app)

# --- What AWS calls


@app.on_dynamodb_record(stream_arn=settings.table_stream_arn(), batch_size=100, starting_position="TRIM_HORIZON")
@failures.watched
def handle_table_stream(event: DynamoDBEvent) -> dict[str, Any]:
    """React to changes of the table; answers which records to deliver again."""
    failed = notifications.handle(event.to_dict()["Records"])
    return {"batchItemFailures": [{"itemIdentifier": sequence_number} for sequence_number in failed]}


@app.on_cw_event(mail_events.pattern())
@failures.watched
def handle_mail_events(event: CloudWatchEvent) -> dict[str, int]:
    """Note which addresses mail came back from, and who complained of it."""
    return mail_events.handle(event.to_dict())


def _swept(done: Counter[str]) -> dict[str, int]:
    counts: dict[str, Any] = dict(done)
    log.info("SWEPT", **counts)
    return counts


@app.schedule(Rate(1, unit=Rate.MINUTES))
@failures.watched
def run_scheduled_work(event: CloudWatchEvent) -> dict[str, int]:
    """Settle payments in doubt, expire unpaid orders, finish refunds, complete orders, erase who asked for it."""
    done = Counter(sweep.run(seconds=SWEEP_SECONDS))
    done.update(privacy.carry_out_next(seconds=ERASURE_SECONDS))
    return _swept(done)


@app.schedule(Rate(1, unit=Rate.MINUTES))
@failures.watched
def deliver_webhooks(event: CloudWatchEvent) -> dict[str, int]:
    """Send the deliveries of webhooks that are due."""
    return webhooks.deliver(seconds=DELIVERY_SECONDS)


@app.schedule(Cron(0, 3, "*", "*", "?", "*"))
@failures.watched
def check_store(event: CloudWatchEvent) -> dict[str, int]:
    """Recompute every night what must add up."""
    return {"drifts": len(audit.run(seconds=AUDIT_SECONDS).drifts)}


@app.schedule(Cron(10, "*", "*", "*", "?", "*"))
@failures.watched
def remind_of_carts(event: CloudWatchEvent) -> dict[str, int]:
    """Mark every hour the carts that were left behind a day ago; their users are mailed from that."""
    return abandoned.remind(at=event.to_dict()["time"], seconds=CARTS_SECONDS)


@app.schedule(Cron(30, "*", "*", "*", "?", "*"))
@failures.watched
def summarise_sales(event: CloudWatchEvent) -> dict[str, int]:
    """Write what was sold the day before, once that is over in the shop; `{"again": true}` in the detail: anew."""
    again = event.detail.get("again") is True
    return sales.run(at=event.to_dict()["time"], again=again, seconds=SALES_SECONDS)


@app.lambda_function(name="rotate_jwt_secret")
@failures.watched
def rotate_jwt_secret(event: dict[str, str], context: object) -> None:
    """One step of rotating the signing key, as Secrets Manager asks for it."""
    rotation.run(event["Step"], event["SecretId"], event["ClientRequestToken"])
