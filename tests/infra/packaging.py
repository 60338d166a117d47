"""Packaging a copy of the project, and reading what came of it.

Packaging fetches wheels from the package index: OFFLINE=1 in the environment leaves the tests marked `network` out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs

from tools import dated

ROOT = Path(__file__).parents[2]
PACKAGED = ("app.py", "chalicelib", ".chalice", "infra", "stages", "tools", "tests", "viewer", "requirements.txt")
# On the day that AWS ends a runtime, who packages a stage has to hear of it, and no test has to begin to fail.
ENDS_OF_RUNTIMES = ["W2531", "E2531", "E2533"]
LINT = ManualArgs(regions=["us-east-1", "eu-west-1"], ignore_checks=ENDS_OF_RUNTIMES)
SETTINGS = {
    "STAGE", "TABLE_NAME", "BUCKET_NAME", "IMAGE_BASE_URL", "JWT_SECRET_NAME", "PAYMENT_SECRET_NAME", "EVENT_BUS_NAME",
    "ALERT_TOPIC_ARN", "DEAD_LETTER_QUEUE_URL", "MAIL_FROM", "PAYMENT_PROVIDER", "CORS_ORIGIN", "LOG_LEVEL",
    "INDEX_SHARDS", "LOW_STOCK_THRESHOLD", "REFRESH_GRACE_SECONDS", "COMPLETE_AFTER_DAYS", "USER_MANAGEMENT_AUTH",
    "SHIPPING_POLICY", "TAX_RATES", "DEFAULT_CURRENCY", "SHOP_TIME_ZONE", "RATE_LIMITS",
}  # fmt: skip
network = pytest.mark.skipif("OFFLINE" in os.environ, reason="packaging fetches wheels, and OFFLINE is set")


def copied(copy: Path) -> Path:
    forget = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
    for name in PACKAGED:
        source = ROOT / name
        shutil.copytree(source, copy / name, ignore=forget) if source.is_dir() else shutil.copy(source, copy)
    return copy


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    unlike_an_operators = {*SETTINGS, "TABLE_STREAM_ARN", "PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in dated.real().items() if name not in unlike_an_operators}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=kept, capture_output=True, text=True, check=False, timeout=900
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(template["Resources"][name]["Properties"])


def exported(name: str) -> dict[str, Any]:
    return {"Fn::ImportValue": {"Fn::Sub": f"ecommerce-${{Stage}}-{name}"}}
