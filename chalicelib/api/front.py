"""Where somebody is who comes to `/`: what this is, and where to go from here."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.api import pages, permissions, versions
from chalicelib.api.calls import Document
from chalicelib.api.pages import Markup
from chalicelib.core import settings
from chalicelib.core.schema import View

NAME = "ecommerce-api"

_LINK = '<li><a href="$href">$label</a><br><span class="quiet">$sentence</span></li>'
_ACCOUNT = "<dt><code>$email</code></dt><dd><code>$password</code></dd>"


# What a link is called, and what is behind it. Those of routes come if there is such a route, the others if the stage
# names their address.
_ROUTES = {
    "docs": ("/docs", ("Try it", "Every route with what it takes and gives, to be called from the page.")),
    "openapi": (
        "/openapi.json",
        ("OpenAPI document", "Every route, for programs and generators."),
    ),
    "asyncapi": ("/asyncapi.json", ("AsyncAPI document", "What the shop tells by itself.")),
    "problems": ("/problems", ("Problem codes", "What each failure means, and what to do.")),
    "health": ("/health", ("Health", "Whether the shop works at this moment.")),
}
_ELSEWHERE = {
    "storefront": ("Storefront", "Where customers shop."),
    "console": ("Console", "Where the shop is run."),
    "outbox": ("Mail outbox", "Every mail that this shop has sent."),
    "payments": ("Payment ledger", "What the payment service has charged and given back."),
}


class AccountView(View, frozen=True, kw_only=True):
    """A demo account of the local stage."""

    email: str
    password: str


class FrontView(View, frozen=True, kw_only=True):
    """What this is, and the addresses of what else there is; `accounts` are of the stage `local` alone."""

    name: str
    version: str
    links: dict[str, str]
    accounts: tuple[AccountView, ...] | UnsetType = UNSET


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What only a shop on somebody's own machine shows: addresses by the names of their links, and accounts."""

    links: dict[str, str]
    accounts: dict[str, str]


def view(base: str) -> FrontView:
    """The same for programs; `base` is what the addresses of this API begin with."""
    demo = _demo()
    accounts = (
        tuple(AccountView(email=email, password=word) for email, word in demo.accounts.items()) if demo else UNSET
    )
    return FrontView(name=NAME, version=versions.API, links=_links(base, demo), accounts=accounts)


def page(base: str) -> Document:
    """The front page."""
    shown = view(base)
    words = {name: said for name, (_, said) in _ROUTES.items()} | _ELSEWHERE
    rows = [{"href": href, "label": words[name][0], "sentence": words[name][1]} for name, href in shown.links.items()]
    demo = Markup() if isinstance(shown.accounts, UnsetType) else _accounts(shown.accounts)
    content = pages.filled("front", version=shown.version, links=pages.each(_LINK, rows), demo=demo)
    return pages.page("The shop is open", content, base=base)


def _accounts(accounts: tuple[AccountView, ...]) -> Markup:
    rows = [{"email": each.email, "password": each.password} for each in accounts]
    return pages.filled("demo", accounts=pages.each(_ACCOUNT, rows))


def _links(base: str, demo: Demo | None) -> dict[str, str]:
    """Every address that there is, in the order of the page."""
    here = {name: base + path for name, (path, _) in _ROUTES.items() if ("GET", path) in permissions.ROUTES}
    named = {"storefront": settings.storefront_url(), "console": settings.console_url()}
    return here | {name: url for name, url in named.items() if url} | (demo.links if demo else {})


def _demo() -> Demo | None:
    told = settings.demo()
    return msgspec.json.decode(told, type=Demo) if told else None
