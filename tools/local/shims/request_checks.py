"""ministack checks keys, quotas, parameters and bodies of requests, but takes none of that from an API's definition.

API Gateway reads from it which methods need what: the models (`definitions`), the validators, and each method's
parameters, body and key of the cache.
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1 as gateway

VALIDATORS = "x-amazon-apigateway-request-validators"
VALIDATOR = "x-amazon-apigateway-request-validator"
PLACES = {"query": "querystring", "header": "header", "path": "path"}
MODEL = "#/definitions/"
Said = Mapping[str, Any]


def apply() -> None:
    """Make an import take in what requests are checked by, and a changed definition replace it."""
    import_api, import_operation = gateway._import_rest_api, gateway._import_operation  # noqa: SLF001

    def checked_api(spec: dict[str, Any], base_data: dict[str, Any] | None = None) -> Any:
        api_id = import_api(spec, base_data)
        take_in(api_id, spec)
        return api_id

    def checked_operation(api_id: str, resource_id: str, method: str, operation: dict[str, Any], *rest: Any) -> None:
        import_operation(api_id, resource_id, method, operation, *rest)
        there = gateway._resources[api_id][resource_id]["resourceMethods"][method]  # noqa: SLF001
        there |= _checks(operation or {})

    gateway._import_rest_api = checked_api  # noqa: SLF001
    gateway._import_operation = checked_operation  # noqa: SLF001


def take_in(api_id: str, spec: Said) -> None:
    """Make the models and validators of a definition, and tell the methods the ids of theirs."""
    for name, schema in (spec.get("definitions") or {}).items():
        model = {"name": name, "contentType": "application/json", "schema": schema}
        gateway._models.setdefault(api_id, {})[name] = model  # noqa: SLF001
    ids = {name: _id(gateway._create_request_validator(api_id, {"name": name, **said}))  # noqa: SLF001
           for name, said in (spec.get(VALIDATORS) or {}).items()}  # fmt: skip
    for resource in gateway._resources[api_id].values():  # noqa: SLF001
        for method in resource.get("resourceMethods", {}).values():
            if (named := method.get("requestValidatorId")) in ids:
                method["requestValidatorId"] = ids[named]


def _checks(operation: Said) -> dict[str, Any]:
    """What a method asks of requests, with its validator by name."""
    parameters = operation.get("parameters") or []
    named = {f"method.request.{PLACES[each['in']]}.{each['name']}": bool(each.get("required"))
             for each in parameters if each["in"] in PLACES}  # fmt: skip
    bodies = [each["schema"]["$ref"].removeprefix(MODEL) for each in parameters if each["in"] == "body"]
    models = dict.fromkeys(["application/json"] if bodies else [], *bodies)
    checked = {"requestValidatorId": operation[VALIDATOR]} if VALIDATOR in operation else {}
    return {"requestParameters": named, "requestModels": models, **checked}


def _id(answer: Any) -> str:
    return str(json.loads(answer[2])["id"])
