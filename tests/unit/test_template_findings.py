"""What `make lint-templates` lets through: findings with a written reason, and no reason that is needed no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.refusal import Refusal
from tools.templates import __main__ as command
from tools.templates import linters, reasons
from tools.templates.linters import Lint, TemplateFinding
from tools.templates.reasons import Left

OUTSIDE = TemplateFinding("checkov", "dev.json", "CKV_AWS_117", "Authorize", "not inside a private network")
LEFT = Left("CKV_AWS_117", ("Auth*",), "Nothing that it calls is in one.")


def test_every_finding_that_is_left_says_why() -> None:
    left = reasons.read()

    assert left
    assert all(each.resources and len(each.reason) > 40 for each in left)


def test_a_finding_is_explained_by_its_rule_and_its_resource() -> None:
    other = TemplateFinding("checkov", "dev.json", "CKV_AWS_117", "SmokeTest", "not inside a private network")

    assert reasons.unexplained([OUTSIDE, other], [LEFT]) == [other]


def test_a_reason_beside_the_resource_is_one() -> None:
    beside = TemplateFinding("checkov", "template.yaml", "CKV_AWS_18", "Bucket", "no access log", "CloudTrail has it.")

    assert reasons.unexplained([beside], []) == []


def test_a_reason_that_is_needed_no_more_is_told() -> None:
    two = Left("CKV_AWS_117", ("Authorize", "Gone"), "Nothing that they call is in one.")

    assert reasons.idle([OUTSIDE], [two]) == ["CKV_AWS_117 Gone"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[left]]\nrule = "W1"\nresources = ["*"]\nreason = " "', "W1 is left without a reason"),
        ('[[left]]\nrule = "W1"\nresources = ["*"]', "missing required field `reason`"),
        ("[[left", "findings.toml"),
    ],
)
def test_a_table_without_reasons_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "findings.toml"
    file.write_text(text)

    with pytest.raises(Refusal, match=said):
        reasons.read(file)


def test_the_command_counts_and_fails_on_what_has_no_reason(capsys: pytest.CaptureFixture[str]) -> None:
    found = Lint([OUTSIDE])
    found.passed["dev.json", linters.CHECKOV] = 7

    codes = command.tell(["dev.json"], found, ()), command.tell(["dev.json"], found, (LEFT,))

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert codes == (1, 0)
    assert lines[0][:4] == ["WRONG", "dev.json:", "Authorize:", "CKV_AWS_117"]
    assert [line for line in lines if "checkov" in line] == [
        ["dev.json", "checkov", "7", "0", "1"],
        ["dev.json", "checkov", "7", "1", "0"],
    ]
