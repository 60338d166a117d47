"""What the calls that Chalice makes anyway say more: the whole API, and a trigger and rules that lose nothing.

Said afterwards, the API would be without its own answers, and a failing record would be lost, for the time between.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.session import Session

from tools.package import gateway, schedules
from tools.stages import Stage

RESPONSES = "x-amazon-apigateway-gateway-responses"
Parameters = dict[str, Any]


def register(session: Session, stage: Stage, trigger: Mapping[str, Any], queue: str) -> None:
    """Let the session's calls say more of the stage's API, of the stream's trigger, and of runs that fail."""

    def whole(params: Parameters, **_: Any) -> Parameters:
        return {**params, "body": json.dumps(whole_definition(json.loads(params["body"]), stage))}

    def lasting(params: Parameters, **_: Any) -> Parameters:
        return {**params, **trigger}

    def kept(params: Parameters, **_: Any) -> Parameters:
        patience = schedules.FUNCTIONS[logical_id(function_of_rule(params["Rule"], stage))]
        retries = {"MaximumRetryAttempts": patience.calls, "MaximumEventAgeInSeconds": patience.seconds}
        more = {"RetryPolicy": retries, "DeadLetterConfig": {"Arn": queue}}
        return {**params, "Targets": [{**target, **more} for target in params["Targets"]]}

    _each(session, "events", ("PutTargets",), kept)
    _each(session, "api-gateway", ("ImportRestApi", "PutRestApi"), whole)
    _each(session, "lambda", ("CreateEventSourceMapping", "UpdateEventSourceMapping"), lasting)


def function_of_rule(rule: str, stage: Stage) -> str:
    """The handler that a rule of Chalice's calls, by the rule's name."""
    return rule.removeprefix(f"{stage.stack}-").removesuffix("-event")


def logical_id(handler: str) -> str:
    """What a handler is called in the SAM template."""
    return "".join(word.capitalize() for word in handler.split("_"))


def whole_definition(definition: Parameters, stage: Stage) -> Parameters:
    """An API's definition with its name, and with what API Gateway answers by itself, as the SAM template has it."""
    others, responses = gateway.other_methods(stage.cors_origin), gateway.responses(stage.cors_origin)
    return {
        **definition,
        "info": {**definition["info"], "title": stage.stack},
        "paths": {path: {**methods, **others.get(path, {})} for path, methods in definition["paths"].items()},
        RESPONSES: {kind: _as_imported(response) for kind, response in responses.items()},
    }


def _as_imported(response: Parameters) -> Parameters:
    """A gateway response of the SAM template in the words of a definition."""
    headers = response["ResponseParameters"]["Headers"]
    return {
        "statusCode": str(response["StatusCode"]),
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": response["ResponseTemplates"],
    }


def _each(session: Session, service: str, calls: tuple[str, ...], say_more: Callable[..., Parameters]) -> None:
    for call in calls:
        session.register(f"provide-client-params.{service}.{call}", say_more)
