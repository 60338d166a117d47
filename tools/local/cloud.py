"""Starts, finds and stops the local AWS."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tools.local import settings as local
from tools.local.settings import IDENTITY, Refusal, Settings

START_SECONDS = 60
STOP_SECONDS = 90


@dataclass(frozen=True)
class Cloud:
    """The local AWS, and the process to stop in the end when it is ours."""

    settings: Settings
    process: "subprocess.Popen[bytes] | None"

    def alive(self) -> bool:
        """Whether it is still there."""
        return self.process.poll() is None if self.process else owner(self.settings) is not None

    def stop(self) -> None:
        """Let it save its state and go."""
        if self.process is None:
            return
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(settings: Settings) -> Iterator[Cloud]:
    """The local AWS for these settings: the one that runs already, or a new one."""
    found = owner(settings)
    if found is not None and found != str(settings.state):
        raise Refusal(
            f"Port {settings.cloud_port} is in use by something other than this shop's local AWS; "
            "stop it, or choose another port with CLOUD_PORT."
        )
    cloud = Cloud(settings, None if found else _spawn(settings))
    try:
        _wait_until_ready(cloud)
        yield cloud
    finally:
        cloud.stop()


def owner(settings: Settings) -> str | None:
    """The state directory of the local AWS on this port; "" for a stranger, None for nobody."""
    try:
        with urllib.request.urlopen(settings.cloud_url + IDENTITY, timeout=5) as answer:  # noqa: S310 - always http
            return str(json.load(answer)["state"])
    except urllib.error.HTTPError:
        return ""
    except urllib.error.URLError as error:
        return None if isinstance(error.reason, ConnectionRefusedError) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _spawn(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own, so that a Ctrl-C reaches the launcher only."""
    settings.state.mkdir(parents=True, exist_ok=True)
    with settings.cloud_log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "tools.local.emulator", str(settings.cloud_port), str(settings.state)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=local.PROJECT,
            env=_environment(settings),
            start_new_session=True,
        )


def _environment(settings: Settings) -> dict[str, str]:
    """What ministack reads when it is imported; listeners that would not be on loopback are off."""
    return {
        **os.environ,
        **local.aws_environment(settings),
        "GATEWAY_PORT": str(settings.cloud_port),
        "BIND_HOST": local.HOST,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(settings.state / "aws"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(settings.state / "aws" / "s3"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }


def _wait_until_ready(cloud: Cloud) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if owner(cloud.settings) == str(cloud.settings.state):
            return
        if not cloud.alive():
            raise Refusal(f"The local AWS could not start: {_last_words(cloud.settings)}")
        time.sleep(0.1)
    raise Refusal(f"The local AWS did not answer within {START_SECONDS} seconds; see {cloud.settings.cloud_log}.")


def _last_words(settings: Settings) -> str:
    lines = settings.cloud_log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), f"see {settings.cloud_log}")
