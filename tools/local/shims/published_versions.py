"""ministack gives a version that is published with its function, as Terraform does it, the ARN of the function.

By the ARN of a version the smoke test calls the new one, and not what was uploaded last.
"""

from typing import Any

from ministack.services import lambda_svc


def apply() -> None:
    """Let each version that is published with new code, or a new function, have its own ARN."""
    create, update = lambda_svc._create_function, lambda_svc._update_code  # noqa: SLF001

    def create_function(asked: dict[str, Any]) -> Any:
        answer = create(asked)
        name_versions(str(asked.get("FunctionName")))
        return answer

    def update_code(name: str, asked: dict[str, Any]) -> Any:
        answer = update(name, asked)
        name_versions(name)
        return answer

    lambda_svc._create_function, lambda_svc._update_code = create_function, update_code  # noqa: SLF001


def name_versions(function: str) -> None:
    """Give every version of a function, if there is one of that name, the ARN of the version."""
    known = lambda_svc._functions  # noqa: SLF001
    if function not in known:
        return
    for number, version in known[function]["versions"].items():
        version["config"]["FunctionArn"] = f"{lambda_svc._func_arn(function)}:{number}"  # noqa: SLF001
