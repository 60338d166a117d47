"""One deployment: the alias of a Lambda function goes from one version to the next, or back."""

import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from chalicelib.core.deadline import Deadline

LOOK_SECONDS = 0.5
_NAMED = re.compile(r"CodeDeployDefault\.Lambda(?:(AllAtOnce)|(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?)")


class DeploymentFailed(Exception):
    """The alias is back at the version before; the message says why."""


@dataclass
class Deployment:
    """What is to move, how, and how far it has come."""

    application: str
    group: str
    function: str
    alias: str
    old: str
    new: str
    config: str
    alarms: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None
    deployment_id: str = field(default_factory=lambda: f"d-{secrets.token_hex(5).upper()[:9]}")
    status: str = "Created"
    share: float = 0.0
    error: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    completed: float | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    hooks: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Go all the way. Raises `DeploymentFailed` with the alias at the version before."""
        self.status = "InProgress"
        try:
            self._run_hook("BeforeAllowTraffic", self.before)
            for share, seconds in steps(self.config):
                self._route(share)
                self._watch(seconds)
            self._move(self.new)
            self._run_hook("AfterAllowTraffic", self.after)
        except DeploymentFailed:
            self._move(self.old)
            self.status = "Stopped" if self.stopped.is_set() or "ALARM" in self.error["code"] else "Failed"
            raise
        else:
            self.status = "Succeeded"
        finally:
            self.completed = time.time()

    def report(self, execution_id: str, status: str) -> None:
        """What a hook says of itself."""
        self.hooks[execution_id] = status

    def _run_hook(self, event: str, function: str | None) -> None:
        if function is None:
            return
        record, config, _ = lambda_svc._get_func_record_for_ref(function)  # noqa: SLF001
        if record is None:
            self._fail("LAMBDA_FUNCTION_MISSING", f"There is no function {function} for {event}.")
        execution_id = secrets.token_hex(16)
        told = {"DeploymentId": self.deployment_id, "LifecycleEventHookExecutionId": execution_id}
        hook = lambda_svc._execution_record_for_config(record, config)  # noqa: SLF001
        lambda_svc._execute_function_with_config_scope(hook, told)  # noqa: SLF001
        if (said := self.hooks.get(execution_id)) != "Succeeded":
            self._fail("HOOK_EXECUTION_FAILURE", f"The {event} hook {function} said {said or 'nothing'}.")
        self._require_calm()

    def _watch(self, seconds: float) -> None:
        deadline = Deadline(seconds)
        self._require_calm()
        while not deadline.is_over:
            self.stopped.wait(min(deadline.left, LOOK_SECONDS))
            self._require_calm()

    def _require_calm(self) -> None:
        if self.stopped.is_set():
            self._fail("MANUAL_STOP", "The deployment was stopped.")
        ringing = [name for name in self.alarms if _rings(name)]
        if ringing:
            self._fail("ALARM_ACTIVE", f"These alarms ring: {', '.join(ringing)}.")

    def _fail(self, code: str, message: str) -> None:
        self.error = {"code": code, "message": message}
        raise DeploymentFailed(message)

    def _route(self, share: float) -> None:
        self.share = share
        self._update({"RoutingConfig": {"AdditionalVersionWeights": {self.new: share}}})

    def _move(self, version: str) -> None:
        self.share = float(version == self.new)
        self._update({"FunctionVersion": version, "RoutingConfig": {}})

    def _update(self, change: dict[str, Any]) -> None:
        status, _, body = lambda_svc._update_alias(self.function, self.alias, change)  # noqa: SLF001
        if status >= 400:  # noqa: PLR2004 - an HTTP status
            raise ValueError(f"The alias {self.alias} of {self.function} cannot be moved: {body!r}")


DEPLOYMENTS: dict[str, Deployment] = {}


def _rings(name: str) -> bool:
    alarm = cloudwatch._alarms.get(name)  # noqa: SLF001
    if alarm is None:
        return False
    cloudwatch._evaluate_alarm(alarm)  # noqa: SLF001
    return bool(alarm["StateValue"] == "ALARM")


def steps(config: str) -> Iterator[tuple[float, float]]:
    """The shares of the new version before it has all, each with the seconds that it lasts."""
    match = _NAMED.fullmatch(config)
    if match is None:
        raise ValueError(f"{config} is no deployment configuration that is known here.")
    everything, kind, percent, minutes = match.groups()
    if everything:
        return
    minute = float(os.environ.get("CODEDEPLOY_MINUTE_SECONDS", "60"))
    shares = range(int(percent), 100, int(percent)) if kind == "Linear" else (int(percent),)
    for share in shares:
        yield share / 100, int(minutes) * minute
