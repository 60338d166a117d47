"""What a stage may say under `[foundation]`, and what it is told that it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.options import written
from tools import stages
from tools.refusal import Refusal
from tools.stages import files, parameters
from tools.stages.foundation import Foundation
from tools.templates import options

DEV = (files.FOLDER / "dev.toml").read_text()
CAPACITY = "provisioned = {{ least_reads = {}, most_reads = {}, least_writes = 1, most_writes = 1{} }}"
WRONG = {
    "budget": ("monthly_budget = -1", "foundation.monthly_budget is a number of dollars, or 0 for none."),
    "unknown": ("cheap = true", "foundation: Object contains unknown field `cheap`."),
    "type": ('layer = "yes"', "foundation.layer: Expected `bool`, got `str`."),
    "least": (CAPACITY.format(0, 1, ""), "foundation.provisioned.least_reads is at least 1."),
    "most": (CAPACITY.format(2, 1, ""), "foundation.provisioned.most_reads is at least least_reads."),
    "quota": (CAPACITY.format(1, 40001, ""), "foundation.provisioned.most_reads is at most 40000."),
    "utilisation": (
        CAPACITY.format(1, 1, ", utilisation = 95"),
        "foundation.provisioned.utilisation is a percentage from 20 to 90.",
    ),
    "missing": ("provisioned = {}", "foundation.provisioned: Object missing required field `least_reads`."),
    "concurrency of another": (
        "provisioned_concurrency = { check_store = 1 }",
        "foundation.provisioned_concurrency names check_store; nobody waits for others than api_handler and authorize.",
    ),
    "concurrency of none": (
        "provisioned_concurrency = { authorize = 0 }",
        "foundation.provisioned_concurrency.authorize is at least 1; leave it out for none.",
    ),
    "concurrency above the reserve": (
        "provisioned_concurrency = { authorize = 4 }",
        "foundation.provisioned_concurrency.authorize is at most reserved_concurrency.authorize, out of which",
    ),
    "zones": ("private_network = { functions = [], zones = 1 }", "foundation.private_network.zones is 2 or 3."),
    "twice": (
        'private_network = { functions = ["authorize", "authorize"] }',
        "foundation.private_network.functions names a function twice.",
    ),
    "webhooks": (
        'private_network = { functions = ["deliver_webhooks"] }',
        "foundation.private_network.functions has deliver_webhooks, which calls the internet: take it out, or say nat",
    ),
}


def read(folder: Path, foundation: str, **changes: str) -> stages.Stage:
    text = DEV
    for old, new in {**changes, "[reserved_concurrency]": "[reserved_concurrency]\nauthorize = 3"}.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "trial.toml").write_text(text + foundation)
    return stages.read("trial", folder)


def test_every_option_is_off_unless_said() -> None:
    assert [stages.read(name).foundation for name in ("dev", "prod")] == [Foundation()] * 2


def test_what_is_said_is_what_tools_get(tmp_path: Path) -> None:
    assert read(tmp_path, written("foundation", options.FOUNDATION)).foundation == options.FOUNDATION


@pytest.mark.parametrize(("said", "sentence"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_meant_is_refused(tmp_path: Path, said: str, sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(tmp_path, f"\n[foundation]\n{said}\n")

    assert str(refused.value).startswith(f"stages/trial.toml: {sentence}")


@pytest.mark.parametrize("function", ["api_handler", "check_store", "run_scheduled_work"])
def test_who_calls_stripe_needs_a_way_out(tmp_path: Path, function: str) -> None:
    network = f'\n[foundation.private_network]\nfunctions = ["{function}"]\n'
    stripe = {'"simulator"': '"stripe"'}

    with pytest.raises(Refusal, match=f"has {function}, which calls the internet"):
        read(tmp_path, network, **stripe)
    assert read(tmp_path, network + "nat = true\n", **stripe).foundation.private_network
    assert read(tmp_path, network).foundation.private_network


def test_a_function_that_there_is_not_is_named_wherever_the_stage_is_looked_at(tmp_path: Path) -> None:
    stage = read(tmp_path, '\n[foundation.private_network]\nfunctions = ["nobody"]\n')

    with pytest.raises(Refusal, match=r"nobody is no function, for there is no infra/policies/nobody\.json"):
        parameters.of_resources(stage)
