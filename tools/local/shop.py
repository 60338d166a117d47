"""The app in this process: loaded as `chalice local` loads it, served, and fed with events."""

import logging
import os
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import msgspec
from chalice.app import Chalice
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy.validate import validate_routes
from chalice.local import LocalChalice, LocalDevServer

from chalicelib.core import log
from tools.local import gateway, schedule
from tools.local import settings as local
from tools.local.checkpoint import Checkpoint, only_pump
from tools.local.settings import LocalSettings
from tools.local.stream import Pump
from tools.refusal import Refusal


class LocalFactory(CLIFactory):
    """Chalice's own loader and server, with our addresses, handler and server classes."""

    def __init__(self, overrides: dict[str, str]) -> None:
        """`overrides` win over the stage's environment variables."""
        super().__init__(str(local.PROJECT), environ=os.environ)
        self.overrides = overrides

    def load_chalice_app(
        self,
        environment_variables: MutableMapping[str, str] | None = None,
        validate_feature_flags: bool | None = True,  # noqa: FBT001, FBT002 - Chalice's signature
    ) -> Chalice:
        """Load the app with the stage's environment and, over it, what this machine knows better."""
        environment = {**(environment_variables or {}), **self.overrides}
        return super().load_chalice_app(environment, validate_feature_flags)

    def create_local_server(self, app_obj: Chalice, config: Config, host: str, port: int) -> LocalDevServer:
        """The development server with the gateway's behaviour added."""
        app_obj.__class__ = type("LocalShop", (LocalChalice, type(app_obj)), {})
        return LocalDevServer(app_obj, config, host, port, gateway.GatewayHandler, gateway.GatewayServer)


@dataclass(frozen=True)
class LocalShop:
    """The loaded app."""

    factory: LocalFactory
    config: Config
    module: ModuleType

    @property
    def environment(self) -> dict[str, str]:
        """The stage's variables with the overrides over them."""
        return {**self.config.environment_variables, **self.factory.overrides}


def load(overrides: dict[str, str]) -> LocalShop:
    """Load `app.py` for the local stage."""
    factory = LocalFactory(overrides)
    config = factory.create_config_obj(chalice_stage_name=local.STAGE)
    validate_routes(config.chalice_app.routes)
    learn_shapes()
    log.adopt(logging.getLogger())
    return LocalShop(factory, config, sys.modules["app"])


def learn_shapes() -> None:
    """Let msgspec look at every shape before threads do: 0.22 crashes when two look at the same one for the first time.

    On AWS one process answers one request at a time.
    """
    waiting = [msgspec.Struct]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("chalicelib."):
            msgspec.json.Decoder(kind)


@contextmanager
def logging_to_file(settings: LocalSettings) -> Iterator[None]:
    """Send what the app prints, and every log line, to the app's log file, the first file of the state."""
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        file = settings.app_log.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        raise Refusal(f"{settings.state} cannot be used ({error.strerror}); choose another STATE_DIR.") from error
    with file as log, redirect_stdout(log):
        logging.basicConfig(stream=log, level=logging.INFO, format="%(message)s")
        for chatty in ("botocore", "boto3", "urllib3", "s3transfer"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        yield


@contextmanager
def serving(shop: LocalShop, settings: LocalSettings) -> Iterator[None]:
    """Answer HTTP until the block ends."""
    try:
        server = shop.factory.create_local_server(shop.config.chalice_app, shop.config, local.HOST, settings.port)
    except OSError as error:
        raise Refusal(f"The API cannot listen on port {settings.port}: {error.strerror}.") from error
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server.server_close()


@contextmanager
def working_in_background(shop: LocalShop, settings: LocalSettings) -> Iterator[None]:
    """Deliver the table's stream and the schedule until the block ends.

    Of several shops on one state directory only the first does so.
    """
    workers: list[Any] = []
    if only_pump(settings.state):
        workers = _workers(shop, settings)
    with ExitStack() as stack:
        for worker in workers:
            worker.start()
            stack.callback(worker.stop)
        yield


def _workers(shop: LocalShop, settings: LocalSettings) -> list[Any]:
    pump = Pump(
        shop.module.handle_table_stream,
        Checkpoint(settings.checkpoint),
        stream_arn=shop.environment["TABLE_STREAM_ARN"],
        queue_url=shop.environment["DEAD_LETTER_QUEUE_URL"],
    )
    return [pump, *schedule.workers(shop.module)]
