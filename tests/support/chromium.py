"""Debian's Chromium, without a window, spoken to by its DevTools protocol over two pipes: no driver, no library.

What a page does that nobody may do is heard: errors on its console, addresses that it asks for, violations of its
Content-Security-Policy.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.core.deadline import Deadline

PROGRAMS = ("chromium", "google-chrome")  # Debian's, and what runners of workflows have
PATIENCE_SECONDS = 120
# What a page was not allowed by its Content-Security-Policy, from its first moment on.
LISTEN = """
window.refused = [];
addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
  window.refused.push(`${violatedDirective} ${blockedURI}`));
"""
# No sandbox, since tests run as root; nothing of Chromium's own that asks for addresses.
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--remote-debugging-pipe", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--metrics-recording-only", "--window-size=1280,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)  # fmt: skip


def program() -> str | None:
    """Where Chromium is, None where it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class ScriptFailed(Exception):
    """What was asked of the page raised."""


@dataclass
class Pipes:
    """The two pipes of one Chromium: messages in JSON, each ended by a NUL."""

    write: int
    read: int
    buffer: bytes = b""

    def send(self, message: dict[str, Any]) -> None:
        """Say something to the browser."""
        left = memoryview(json.dumps(message).encode() + b"\0")
        while left:
            left = left[os.write(self.write, left) :]

    def receive(self, deadline: Deadline) -> dict[str, Any]:
        """The next thing that the browser says; a test fails that waits in vain."""
        while b"\0" not in self.buffer:
            heard = not deadline.is_over and select.select([self.read], [], [], deadline.left)[0]
            assert heard, "Chromium says nothing, or nothing that was asked for"
            more = os.read(self.read, 1 << 20)
            assert more, "Chromium has ended"
            self.buffer += more
        message, _, self.buffer = self.buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@dataclass
class Page:
    """One tab, and what was heard of it."""

    pipes: Pipes
    session: str  # "" for the browser itself
    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    loads: int = 0
    _last: int = 100

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a call of its protocol."""
        self._last += 1
        whom = {"sessionId": self.session} if self.session else {}  # the browser itself has none
        self.pipes.send({"id": self._last, "method": method, "params": parameters, **whom})
        deadline = Deadline(PATIENCE_SECONDS)
        while (message := self.pipes.receive(deadline)).get("id") != self._last:
            self._hear(message)
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    def open(self, url: str) -> None:
        """Go there, and wait until the page is loaded."""
        loads = self.loads
        failure = self.call("Page.navigate", url=url).get("errorText")
        assert not failure, f"{url}: {failure}"
        self._wait_for_load(loads)

    def follow(self, link: str) -> None:
        """Click a link, and wait until the page behind it is loaded."""
        loads = self.loads
        self.run(f"document.querySelector({json.dumps(link)}).click()")
        self._wait_for_load(loads)

    def run(self, script: str) -> Any:
        """What an expression, or a promise, is in the page. Raises `ScriptFailed`."""
        said = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if failure := said.get("exceptionDetails"):
            raise ScriptFailed(failure.get("exception", {}).get("description") or failure["text"])
        return said["result"].get("value")

    def refused(self) -> list[str]:
        """What its Content-Security-Policy has kept from the page."""
        found: list[str] = self.run("window.refused")
        return found

    def wait_for(self, condition: str) -> None:
        """Go on as soon as the expression is something; a test fails that waits in vain."""
        deadline = Deadline(PATIENCE_SECONDS)
        while not self.run(f"!!({condition})"):
            assert not deadline.is_over, f"not so in time: {condition}; {self.errors}"
            time.sleep(0.02)

    def _wait_for_load(self, loads: int) -> None:
        deadline = Deadline(PATIENCE_SECONDS)
        while self.loads == loads:
            self._hear(self.pipes.receive(deadline))

    def _hear(self, message: dict[str, Any]) -> None:
        method, said = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Network.requestWillBeSent":
            self.asked.append(said["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "assert"):
            self.errors.append(" ".join(str(each.get("value", each.get("description"))) for each in said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")


@contextmanager
def opened(profile: Path) -> Iterator[Page]:
    """A browser with an empty page, whose profile lies in that folder, until the block ends."""
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()
    # Chromium reads at descriptor 3 and writes at 4; a shell puts them there, whatever ours are.
    command = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    words = [str(program()), *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(
        ["bash", "-c", command, "bash", *words],
        pass_fds=(to_browser, from_browser),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(to_browser)
        os.close(from_browser)
        try:
            yield _first_page(Pipes(from_us, to_us))
        finally:
            process.kill()
            os.close(from_us)
            os.close(to_us)


def _first_page(pipes: Pipes) -> Page:
    browser = Page(pipes, "")
    targets = browser.call("Target.getTargets")["targetInfos"]
    target = next(each["targetId"] for each in targets if each["type"] == "page")
    page = Page(pipes, browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
    for domain in ("Page", "Runtime", "Network", "Log"):
        page.call(f"{domain}.enable")
    page.call("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)
    return page
