"""What the shop says of itself to people and to programs: the front page, and the pages of the problem codes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from unittest import mock
from urllib.parse import urljoin

import pytest

import app
from chalicelib.api import problem_codes, problems
from chalicelib.core import settings
from tools.testing.shop import Shop, ShopAnswer

PAGES = ["/", "/problems", "/problems/coupon_invalid"]
DEMO = {"links": {"outbox": "http://127.0.0.1:4566/mails"}, "accounts": {"demo@example.com": "demo-<b>password"}}
VOID = {"meta", "link", "br"}


class Read(HTMLParser):
    """A page as a browser reads it: elements that close, their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str]:
        return [str(attributes["href"]) for tag, attributes in self.seen if tag == "a"]


def look(shop: Shop, path: str) -> ShopAnswer:
    return shop("GET", path, Accept="text/html,application/xhtml+xml,*/*;q=0.8")


def below(stage: str, path: str, resource: str, accept: str) -> dict[str, Any]:
    """What the app answers behind API Gateway, to who calls it below a path."""
    event = {
        "httpMethod": "GET", "path": path, "headers": {"accept": accept}, "multiValueHeaders": {"accept": [accept]},
        "multiValueQueryStringParameters": None, "stageVariables": None, "body": None, "isBase64Encoded": False,
        "pathParameters": {"code": path.rpartition("/")[2]},
        "requestContext": {"httpMethod": "GET", "resourcePath": resource, "path": stage + path, "requestId": "r-1"},
    }  # fmt: skip
    answer: dict[str, Any] = app.app(event, None)
    return answer


@pytest.fixture
def local(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop that `make run` has opened."""
    monkeypatch.setattr(settings, "stage", lambda: "local")
    monkeypatch.setenv("DEMO", json.dumps(DEMO))
    yield shop
    settings.current.cache_clear()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_named_and_told_what_it_may_do(shop: Shop, path: str) -> None:
    answer = look(shop, path)
    page = Read(answer.text)

    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Vary"].split(", ")[0] == "Accept"
    tags = [tag for tag, _ in page.seen]
    assert (tags.count("h1"), tags.count("main"), tags.count("header"), tags.count("title")) == (1, 1, 1, 1)
    assert page.seen[0] == ("html", {"lang": "en"})
    assert "script" not in tags
    style = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)[0]
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; img-src data:; style-src 'sha256-{known}';")
    assert not any(name == "style" or name.startswith("on") for _, attributes in page.seen for name in attributes)
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", ["application/json", "*/*", None])
def test_a_program_gets_the_same_as_json(shop: Shop, path: str, accept: str | None) -> None:
    answer = shop("GET", path, **({"Accept": accept} if accept else {}))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Vary"].split(", ")[0] == "Accept"


def test_every_link_of_the_front_page_leads_somewhere(shop: Shop) -> None:
    links = shop("GET", "/").body["links"]

    assert {"problems", "health"} <= set(links)
    assert Read(look(shop, "/").text).links == ["/", *links.values()]
    assert {path: shop("GET", path).status for path in links.values()} == dict.fromkeys(links.values(), 200)


def test_the_codes_are_listed_each_with_a_link_to_its_page(shop: Shop) -> None:
    known, told = problem_codes.known(), shop("GET", "/problems").body
    page = Read(look(shop, "/problems").text)

    assert [each["code"] for each in told["problems"]] == [each.code for each in known.problems]
    assert page.links == ["/", *(f"/problems/{each.code}" for each in known.problems)]
    assert all(each.code in page.text for each in known.fields)


def test_a_page_says_what_the_document_of_the_code_says(shop: Shop) -> None:
    told = shop("GET", "/problems/coupon_invalid").body
    page = Read(look(shop, "/problems/coupon_invalid").text)

    assert set(told) == {"code", "status", "title", "meaning", "advice"}
    assert (told["code"], told["status"]) == ("coupon_invalid", 422)
    assert all(told[part].replace("`", "") in page.text for part in ("code", "title", "meaning", "advice"))
    assert "422 Unprocessable Content" in page.text


@pytest.mark.parametrize("code", ["made_up", "<script>", "required", "..%2Fhello"])
def test_what_is_no_code_has_no_page(shop: Shop, code: str) -> None:
    refused = look(shop, f"/problems/{code}")

    assert (refused.status, refused.body["code"]) == (404, "not_found")


@pytest.mark.parametrize("stage", ["/prod", "/v1"])
def test_below_a_path_every_link_leads_below_it(aws: None, stage: str) -> None:
    for path, resource in (("/", "/"), ("/problems", "/problems"), ("/problems/not_found", "/problems/{code}")):
        page = Read(below(stage, path, resource, "text/html")["body"])
        assert page.links
        assert all(urljoin(f"https://api.example.com{stage}{path}", each).startswith(
            f"https://api.example.com{stage}/") for each in page.links)  # fmt: skip
    missing = json.loads(below(stage, "/problems/made_up", "/problems/{code}", "*/*")["body"])
    assert missing["type"] == f"{stage}/problems/not_found"


def test_a_local_shop_shows_its_outbox_and_its_accounts(local: Shop) -> None:
    told, shown = local("GET", "/").body, look(local, "/").text

    assert told["links"]["outbox"] == "http://127.0.0.1:4566/mails"
    assert told["accounts"] == [{"email": "demo@example.com", "password": "demo-<b>password"}]
    assert "demo-&lt;b&gt;password" in shown
    assert "http://127.0.0.1:4566/mails" in Read(shown).links


def test_no_deployed_stage_shows_anything_of_a_local_one_whatever_is_set(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", json.dumps(DEMO))

    for said in (shop("GET", "/").text, look(shop, "/").text):
        assert not any(word in said for word in ("demo", "Demo", "outbox", "4566", "account@", "password"))


def test_a_storefront_and_a_console_are_linked_once_a_stage_names_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shop("GET", "/").body["links"]
    monkeypatch.setattr(settings, "storefront_url", lambda: "https://shop.example.com/")

    after = shop("GET", "/").body["links"]

    assert after == {**before, "storefront": "https://shop.example.com/"}


def test_the_version_is_that_of_the_document(shop: Shop) -> None:
    links = shop("GET", "/").body["links"]

    assert shop("GET", "/").body["version"] == shop("GET", links["openapi"]).body["info"]["version"]


def test_an_answer_that_is_replayed_at_another_address_leads_to_a_page_of_that(ada: Shop, mug: str) -> None:
    first = ada.order((mug, 1), token="tok_declined", Idempotency_Key="once")
    elsewhere = mock.patch.object(problems, "path", return_value="/v1/orders")

    with elsewhere:
        again = ada.order((mug, 1), token="tok_declined", Idempotency_Key="once")
    here = ada.order((mug, 1), token="tok_declined", Idempotency_Key="once")

    assert first.body["type"] == "/problems/payment_declined"
    assert (again.status, again.body) == (402, {**first.body, "type": "/v1/problems/payment_declined"})
    assert (here.headers["Idempotent-Replayed"], here.text) == ("true", first.text)
