"""A packaged stage on the local AWS: the stack of its resources, and the SAM stack with real Lambda processes."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from tools import stages
from tools.local import cloud, payments, resources, seed, shop, stacks
from tools.local import settings as local
from tools.local.processes import Running
from tools.local.resources import TEMPLATE
from tools.local.settings import LocalSettings
from tools.package import artifacts, finishing, runtime, sam, viewer
from tools.refusal import Refusal
from tools.stages import Stage, parameters

HANDLER = "APIHandler"


@dataclass(frozen=True)
class DeployedStage:
    """A stage that answers, and the processes that it needs."""

    stage: Stage
    url: str
    settings: LocalSettings
    beside: list[Running]

    @property
    def page(self) -> str:
        """The front page as a browser can go on from: at an address like that of AWS, below the stage's path alone."""
        api_id, name = self.url.split("/")[-3:-1]
        return f"http://{api_id}.execute-api.localhost:{self.settings.cloud_port}/{name}/"


@contextmanager
def running(asked: LocalSettings, name: str, say: Callable[[str], object]) -> Iterator[DeployedStage]:
    """Deploy the stage, or bring it up to this code, and let it work until the end of the block.

    Its state is a folder of its own, beside that of `make run`.
    """
    if name == local.STAGE:
        raise Refusal("The stage local is not deployed: `make run` opens it. STAGE=dev names one that is.")
    stage, settings = stages.read(name), replace(asked, state=asked.state / name)
    payments.service(settings).is_there()  # refuses a stranger on its port before anything is started
    with ExitStack() as stack:
        stack.enter_context(shop.logging_to_file(settings))
        local.use_local_aws(settings)
        aws = stack.enter_context(cloud.running(settings))
        say(f"Packaging {name}…")
        out = package(name, settings.state / "package")
        say(f"Deploying {name}…")
        url = deploy(settings, stage, out)
        enter(stage)
        seed.seed()
        paid = stack.enter_context(payments.running(settings, stage.payment_secret_name, url + payments.WEBHOOK))
        yield DeployedStage(stage, url, settings, [aws, paid])


def package(stage: str, out: Path) -> Path:
    """What is deployed of the stage, made by this interpreter for itself."""
    sam.package(stage, out, runtime.own())
    return out


def deploy(settings: LocalSettings, stage: Stage, out: Path) -> str:
    """Both stacks of the stage; where its API answers."""
    outputs = deploy_resources(stage)
    resources.listen_to_the_bus(outputs, event_queue(stage))
    viewer.put(stage)
    there = deploy_package(stage, out, environment(settings, stage, outputs["BucketName"]))
    return api_url(settings, stage.name, there)


def event_queue(stage: Stage) -> str:
    """The queue that keeps the events of the stage's bus, to be looked at."""
    return f"ecommerce-{stage.name}-events"


def deploy_resources(stage: Stage) -> dict[str, str]:
    """The stack of what must never be lost; its outputs."""
    outputs = stacks.deploy(stage.resources_stack, TEMPLATE.read_text(), parameters.of_resources(stage))
    resources.apply_what_the_emulator_leaves_out(outputs)
    return outputs


def deploy_package(stage: Stage, out: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The stack of what `make package` wrote into `out`; its outputs.

    `environment` wins over what the package says of its functions' environment.
    """
    artifacts.create()
    template = json.loads((out / artifacts.SAM).read_text())
    artifacts.refer(template, stage.name, out)
    for properties in finishing.functions(template).values():
        properties.setdefault("Environment", {}).setdefault("Variables", {}).update(environment or {})
    finishing.publish_what_changed(template, sam.code_sha256(out))
    return stacks.deploy(stage.stack, json.dumps(template), parameters.of_app(stage))


def api_url(settings: LocalSettings, stage: str, outputs: Mapping[str, str]) -> str:
    """Where the deployed API answers, on the local AWS' port."""
    return f"{settings.cloud_url}/restapis/{outputs['RestAPIId']}/{stage}/_user_request_"


def environment(settings: LocalSettings, stage: Stage, bucket: str) -> dict[str, str]:
    """What a stage's functions are told otherwise here: the payment service, images without CloudFront, near hooks.

    prod takes neither simulators nor near hooks, so there it stays with Stripe.
    """
    paid = {} if stage.payment_provider == "stripe" else payments.environment(settings)
    return {**paid, "IMAGE_BASE_URL": f"{settings.cloud_url}/{bucket}", "WEBHOOK_RECEIVERS": "near"}


def functions_environment(stage: Stage) -> dict[str, str]:
    """The environment of the functions of a stage that is deployed."""
    described = boto3.client("cloudformation").describe_stack_resource(StackName=stage.stack, LogicalResourceId=HANDLER)
    name = described["StackResourceDetail"]["PhysicalResourceId"]
    function: dict[str, Any] = boto3.client("lambda").get_function_configuration(FunctionName=name)
    return dict(function["Environment"]["Variables"])


def enter(stage: Stage) -> None:
    """Give this process the environment of the stage's functions, so that it works on their table."""
    os.environ.update(functions_environment(stage))
