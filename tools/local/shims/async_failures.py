"""ministack repeats and gives up what was invoked asynchronously, but not through an alias, nor what a rule invokes.

It looks for the configuration of the function itself; on AWS that of the alias counts, to which SAM gives it. And its
rules run a function once, whatever comes of it; on AWS they hand the event to the Lambda service, as any other caller
does who does not wait. So a scheduled run that fails would leave no letter here.
"""

import json
from typing import Any

from ministack.services import eventbridge, lambda_svc


def apply() -> None:
    """Let the configuration of an alias count, and rules invoke as others do."""
    invoke = lambda_svc.invoke_async_with_retry

    def invoke_by_alias(func: dict[str, Any], event: Any) -> None:
        config = func["config"]
        place = lambda_svc._account_region_from_function_config(config)  # noqa: SLF001
        whole = lambda_svc._functions.get_scoped(*place, config["FunctionName"]) or func  # noqa: SLF001
        invoke({**func, "event_invoke_config": configuration(whole, config.get("Version"))}, event)

    def dispatch(arn: str, payload: str) -> None:
        func, config, _ = lambda_svc._get_func_record_for_ref(arn)  # noqa: SLF001
        if func and config:
            record = lambda_svc._execution_record_for_config(func, config)  # noqa: SLF001
            invoke_by_alias(record, json.loads(payload))

    lambda_svc.invoke_async_with_retry = invoke_by_alias
    eventbridge._dispatch_to_lambda = dispatch  # noqa: SLF001


def configuration(func: dict[str, Any], version: str | None) -> dict[str, Any] | None:
    """How often a version is called again and where its failures go: as its alias says, else as the function says."""
    given = func.get("event_invoke_configs") or {}
    for name, alias in (func.get("aliases") or {}).items():
        shared = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        if name in given and version in (alias["FunctionVersion"], *shared):
            return dict(given[name])
    own = func.get("event_invoke_config") or given.get("$LATEST")
    return dict(own) if own else None
