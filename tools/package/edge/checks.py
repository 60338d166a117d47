"""Requests that API Gateway refuses by itself, for their body is not what the route takes: no function is started.

The payment provider's messages are not touched: they count as they came, byte by byte.
"""

from __future__ import annotations

from typing import Any

from tools.package.edge import definition, models

VALIDATOR = "body-and-parameters"
VALIDATORS = "x-amazon-apigateway-request-validators"


def add_to(template: dict[str, Any]) -> None:
    """Give each route that takes a body or a query the model of it, and what checks it."""
    said, bodies, queries = definition.of(template), models.bodies(), models.queries()
    said[VALIDATORS] = {VALIDATOR: {"validateRequestBody": True, "validateRequestParameters": True}}
    shapes = {shape.__name__: shape for shape in bodies.values()}
    said["definitions"] = said.get("definitions", {}) | {name: models.model(shapes[name]) for name in sorted(shapes)}
    for route in definition.routes(template):
        key = (route.method, route.path)
        if key in bodies or queries[key]:
            route.said[VALIDATORS.removesuffix("s")] = VALIDATOR
        for parameter in queries[key]:
            definition.declare(route, parameter.name, "query", is_required=parameter.is_required)
        if key in bodies:
            name = bodies[key].__name__
            body = {"in": "body", "name": name, "required": True, "schema": {"$ref": f"#/definitions/{name}"}}
            route.said.setdefault("parameters", []).append(body)
