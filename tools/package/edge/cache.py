"""What API Gateway keeps for all: the answers to GET of products, for five minutes.

An entry is found by what its key knows, so an answer must depend on nothing else. The key knows the path, each query
parameter that the route takes, the tag that a caller has already, and the kind of body it says it sends. The app, which
is told of the cache, reads nothing else of such a request, or anybody could have a refusal kept for all. A HEAD is
never kept.
"""

from __future__ import annotations

from typing import Any

from chalicelib.api import caching
from tools.package.edge import definition, models

CLUSTER = "0.5"  # gigabytes, the smallest there is
SECONDS = 300
NOT_KEPT = {"CachingEnabled": False}
KEPT = {"CachingEnabled": True, "CacheTtlInSeconds": SECONDS, "CacheDataEncrypted": True}
HEADERS = ("If-None-Match", "Content-Type")


def add_to(template: dict[str, Any]) -> None:
    """Add the cache, switch it on for these methods alone, and say what each answer depends on."""
    api, queries = definition.api(template), models.queries()
    api |= {"CacheClusterEnabled": True, "CacheClusterSize": CLUSTER}
    (everything,) = api["MethodSettings"]
    api["MethodSettings"] = [{**everything, **NOT_KEPT}, *(_setting(everything, path) for path in caching.SHARED)]
    for route in definition.routes(template):
        if route.method == "GET" and route.path in caching.SHARED:
            _key(route, [each.name for each in queries[route.method, route.path]])
    definition.tell_app(template, "CACHED_BY_GATEWAY", "true")


def _setting(everything: dict[str, Any], path: str) -> dict[str, Any]:
    """A method's own settings, which stand instead of those for all, throttle included."""
    return {**everything, "ResourcePath": "/" + path.replace("/", "~1"), "HttpMethod": "GET", **KEPT}


def _key(route: definition.Operation, queries: list[str]) -> None:
    for name in queries:
        definition.declare(route, name, "query")
    for name in HEADERS:
        definition.declare(route, name, "header")
    places = {"path": "path", "query": "querystring", "header": "header"}
    integration = route.said["x-amazon-apigateway-integration"]
    integration["cacheKeyParameters"] = [
        f"method.request.{places[each['in']]}.{each['name']}" for each in route.said["parameters"]
    ]
    integration["cacheNamespace"] = route.path.strip("/").translate(str.maketrans("/", "-", "{}"))
