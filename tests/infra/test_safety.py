"""What watches the account: each part by itself, none until it is named, and none that who deploys may touch."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from tests.support import deployer
from tests.support.conditions import decided
from tools.refusal import Refusal
from tools.stages import account, safety

RULES = {"NoPublicBuckets", "NoPublicFunctions", "RecoverableTables", "NoDyingKeys", "RootWithMfa", "UsersWithMfa"}
BUCKET = {"Records", "RecordsPolicy"}
MAIL = {"FindingsKey", "Findings", "FindingsPolicy", "TellOfFindings"}
MADE = {
    "trail": BUCKET | {"Trail"},
    "detector": {"Detector"},
    "recorder": BUCKET | RULES | {"Recorder", "RecorderDelivery", "RecorderRole"},
    "backups": {"Vault", "BackupPlan", "BackupRole", "BackupSelection"},
    "analyzer": {"Analyzer"},
    "you@example.com": MAIL,
    "analyzer you@example.com": {"Analyzer", *MAIL},
}
OURS = (
    "arn:aws:s3:::shop-safety-000000000000-us-east-1",
    "arn:aws:cloudformation:us-east-1:000000000000:stack/shop-safety/1",
    "arn:aws:iam::000000000000:role/shop-safety-BackupRole-1",
    "arn:aws:sns:us-east-1:000000000000:shop-findings",
    "arn:aws:events:us-east-1:000000000000:rule/shop-safety-TellOfFindings-1",
)
REFUSED = {
    "alarm": "alarm is no part of the account's safety: trail, detector, recorder, backups, analyzer, lock, or",
    "lock": "lock is about the vault of the backups: name backups, too.",
    "trail a@example.com b@example.com": "SAFETY names one address of mail at most.",
    "no-alarm": "alarm is no part of the account's safety",
    "trail no-trail": "SAFETY says both trail and no-trail.",
    "no-trail": "SAFETY leaves nothing on: delete the stack shop-safety instead",
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return dict(json.loads(json.dumps(cfn_yaml.load(str(account.INFRA / "safety.yaml")))))


def made(template: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    return dict(decided(template, parameters)["Resources"])


def test_by_itself_the_template_makes_nothing(template: dict[str, Any]) -> None:
    assert made(template, {}) == {}


@pytest.mark.parametrize(("named", "resources"), MADE.items(), ids=list(MADE))
def test_what_is_named_is_made_and_nothing_else(template: dict[str, Any], named: str, resources: set[str]) -> None:
    given = safety.parameters(named)

    assert set(given) == set(template["Parameters"])
    assert set(made(template, given)) == resources


def test_the_trail_is_of_every_region_and_tells_of_a_changed_file(template: dict[str, Any]) -> None:
    trail = made(template, safety.parameters("trail"))["Trail"]["Properties"]

    assert (trail["IsMultiRegionTrail"], trail["EnableLogFileValidation"], trail["IsLogging"]) == (True, True, True)


def test_tables_are_found_by_their_tag_and_copies_are_kept_for_35_days(template: dict[str, Any]) -> None:
    found = made(template, safety.parameters("backups"))

    (rule,) = found["BackupPlan"]["Properties"]["BackupPlan"]["BackupPlanRule"]
    assert (rule["ScheduleExpression"], rule["Lifecycle"]) == ("cron(0 2 * * ? *)", {"DeleteAfterDays": 35})
    (tag,) = found["BackupSelection"]["Properties"]["BackupSelection"]["Conditions"]["StringEquals"]
    assert (tag["ConditionKey"], tag["ConditionValue"]) == ("aws:ResourceTag/Project", account.TAGS["Project"])
    assert "LockConfiguration" not in found["Vault"]["Properties"]
    locked = made(template, safety.parameters("backups lock"))["Vault"]["Properties"]["LockConfiguration"]
    assert locked == {"MinRetentionDays": 7, "MaxRetentionDays": 366}


def test_a_word_that_is_forgotten_switches_nothing_off() -> None:
    before = safety.parameters("trail detector backups lock you@example.com")

    after = safety.parameters("analyzer", before)

    assert after == {**before, "HasAnalyzer": "true"}
    assert safety.parameters("no-lock no-mail", after) == {**after, "IsVaultLocked": "false", "Email": ""}


@pytest.mark.parametrize(("part", "kept"), [("trail", "Records"), ("recorder", "Records"), ("backups", "Vault")])
def test_what_has_a_fixed_name_stays_in_the_stack_so_that_its_part_can_be_switched_on_again(
    template: dict[str, Any], part: str, kept: str
) -> None:
    on = safety.parameters(part)

    off = safety.parameters(f"no-{part}", on)

    assert set(made(template, off)) == {kept}
    assert safety.parameters(part, off) == on
    assert template["Resources"][kept]["DeletionPolicy"] == "RetainExceptOnCreate"


@pytest.mark.parametrize("name", ["Records", "Vault"])
def test_what_was_written_down_outlives_its_stack(template: dict[str, Any], name: str) -> None:
    assert template["Resources"][name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_who_deploys_reaches_nothing_of_it() -> None:
    granted = [each for policy in deployer.ATTACHED for each in deployer.statements(policy)]

    reached = [
        (statement["Sid"], name)
        for statement in granted
        for name in OURS
        if any(fnmatchcase(name, each) for each in statement["Resource"] if each != "*")
    ]

    assert reached == []


@pytest.mark.parametrize(("named", "sentence"), REFUSED.items(), ids=list(REFUSED))
def test_what_is_no_part_is_refused(named: str, sentence: str) -> None:
    with pytest.raises(Refusal) as refused:
        safety.parameters(named)

    assert str(refused.value).startswith(sentence)
