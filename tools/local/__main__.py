"""`python -m tools.local [run|cloud|deployed|status]`: the whole shop, its local AWS alone, or a stage deployed there.

The stage that is deployed is STAGE; dev without.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NoReturn

import msgspec

from tools.local import cloud, deployed, payments, resources, seed, shop
from tools.local import settings as local
from tools.local.deployed import DeployedStage
from tools.local.processes import Running
from tools.local.settings import LocalSettings
from tools.refusal import Refusal

Say = Callable[[str], object]
CHECK_SECONDS = 1.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    """Run a command; the exit code."""
    commands: dict[str, Callable[[LocalSettings, Say], int]] = {
        "run": run,
        "cloud": run_cloud,
        "deployed": run_deployed,
        "status": status,
    }
    command = arguments[0] if arguments else "run"
    if command not in commands or len(arguments) > 1:
        sys.stderr.write(f"usage: python -m tools.local [{'|'.join(commands)}]\n")
        return 2
    terminal = sys.stdout
    try:
        return commands[command](local.read(), lambda text: print(text, file=terminal, flush=True))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1


def run(settings: LocalSettings, say: Say) -> NoReturn:
    """The whole shop until Ctrl-C or SIGTERM."""
    refuse_busy(settings)
    leave_on_signals(say)
    say("Starting the shop…")
    with ExitStack() as stack:
        beside, loaded = _prepare(settings, stack)
        stack.enter_context(shop.working_in_background(loaded, settings))
        stack.enter_context(shop.serving(loaded, settings))
        say(welcome(settings))
        _wait_while_alive(beside)


def run_cloud(settings: LocalSettings, say: Say) -> NoReturn:
    """The local AWS, its resources and the demo data, and the payment service, for a `chalice local` of one's own."""
    leave_on_signals(say)
    say("Starting the local AWS…")
    with ExitStack() as stack:
        beside, _ = _prepare(settings, stack)
        say(f"The local AWS answers at {settings.cloud_url}; its log is {settings.cloud_log}.")
        say(f"The payment service answers at {settings.payment_url} and tells {settings.api_url}. Ctrl-C stops both.")
        _wait_while_alive(beside)


def run_deployed(settings: LocalSettings, say: Say) -> NoReturn:
    """The stage that STAGE names, packaged and deployed on the local AWS, until Ctrl-C or SIGTERM."""
    leave_on_signals(say)
    with deployed.running(settings, os.environ.get("STAGE") or "dev", say) as stage:
        say(welcome_deployed(stage))
        _wait_while_alive(stage.beside)


def status(settings: LocalSettings, say: Say) -> int:
    """Say what answers; the exit code tells whether everything does."""
    services = (cloud.service(settings), payments.service(settings))
    found = {(each.name, each.url): each.owner() == str(settings.state) for each in services}
    found["API", settings.api_url] = _listening(settings.port)
    for (name, url), is_up in found.items():
        say(f"{name:<15}  {url}  {'up' if is_up else 'down'}")
    return 0 if all(found.values()) else 1


def _prepare(settings: LocalSettings, stack: ExitStack) -> tuple[list[Running], shop.LocalShop]:
    """Start the local AWS, create the resources, start the payment service, load the app and seed the demo shop."""
    payments.service(settings).is_there()  # refuses a stranger on its port before anything is started
    stack.enter_context(shop.logging_to_file(settings))
    local.use_local_aws(settings)
    aws = stack.enter_context(cloud.running(settings))
    found = resources.deploy(settings)
    paid = stack.enter_context(payments.running(settings, found["PAYMENT_SECRET_NAME"]))
    told = {**found, **payments.environment(settings), "DEMO": demo(settings)}
    loaded = shop.load({**local.aws_environment(settings), **told})
    try:
        seed.seed()
    except msgspec.ValidationError as error:
        older = f"The data in {settings.state} is of another version of the shop ({error}); `make clean` forgets it."
        raise Refusal(older) from error
    return [aws, paid], loaded


def leave_on_signals(say: Say) -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal unwind what was started, once and undisturbed."""

    def leave(*_: object) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        say("\nStopping; the data is kept.")
        raise SystemExit(0)

    for number in STOP_SIGNALS:
        signal.signal(number, leave)


def refuse_busy(settings: LocalSettings) -> None:
    """Refuse before anything is started when the API's port is taken."""
    if _listening(settings.port):
        raise Refusal(f"Port {settings.port} is in use; stop what uses it, or choose another with PORT.")


def _listening(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        return probe.connect_ex((local.HOST, port)) == 0


def _wait_while_alive(beside: list[Running]) -> NoReturn:
    """Stay until a signal, the end of the `make` that started this, or the end of a process beside this one."""
    parent = os.getppid()
    while not (ended := [each.service for each in beside if not each.alive()]):
        if "MAKELEVEL" in os.environ and os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(CHECK_SECONDS)
    raise Refusal(f"The {ended[0].name} has stopped by itself, so the shop stops too; see {ended[0].log}.")


def welcome(settings: LocalSettings) -> str:
    """What there is to see, and how to stop."""
    lines = [
        f"The shop is open at {settings.api_url}",
        *_addresses(settings, settings.events_url),
        f"  app log   {settings.app_log}",
        f"  AWS       {settings.cloud_url} (log: {settings.cloud_log})",
        *_accounts(),
        "Ctrl-C stops it; the data is kept.",
    ]
    return "\n".join(lines)


def welcome_deployed(stage: DeployedStage) -> str:
    """The same, of a deployed stage."""
    settings, name = stage.settings, stage.stage.name
    lines = [
        f"The stage {name} is deployed at {stage.url}",
        f"  page      {stage.page}",
        *_addresses(settings, settings.events_url_of(deployed.event_queue(stage.stage))),
        f"  logs      AWS_ENDPOINT_URL={settings.cloud_url} aws logs tail /aws/lambda/ecommerce-{name}",
        f"  AWS       {settings.cloud_url} (log: {settings.cloud_log})",
        *_accounts(),
        "Ctrl-C stops it; the data is kept.",
    ]
    return "\n".join(lines)


def demo(settings: LocalSettings) -> str:
    """What the front page shows of a shop on this machine alone, as the app is told it."""
    links = {"outbox": _outbox(settings), "payments": _ledger(settings)}
    return json.dumps({"links": links, "accounts": seed.ACCOUNTS})


def _addresses(settings: LocalSettings, events_url: str) -> list[str]:
    return [
        f"  mail      {_outbox(settings)}",
        f"  events    {events_url}",
        f"  payments  {_ledger(settings)}",
    ]


def _outbox(settings: LocalSettings) -> str:
    return f"{settings.cloud_url}/_ministack/ses/messages"


def _ledger(settings: LocalSettings) -> str:
    return f"{settings.payment_url}/_simulator/ledger"


def _accounts() -> list[str]:
    return [f"  account   {email}  {password}" for email, password in seed.ACCOUNTS.items()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
