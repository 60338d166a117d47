"""Does a login take as long for an address that nobody has as for a wrong password?

Needs the shop of `make run`. Both kinds are tried in turn, each time for a fresh address so that no delay after
failures gets in between, and the medians are compared.

    python bench/login_equal_time.py [http://127.0.0.1:8000] [tries]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import uuid
from http.client import HTTPConnection
from urllib.parse import urlsplit


def post(connection: HTTPConnection, path: str, body: dict[str, str]) -> tuple[int, float]:
    """Status and milliseconds of one request."""
    began = time.perf_counter()
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status, (time.perf_counter() - began) * 1000


def main() -> int:
    """Print both medians and their ratio; 1 when they differ by a tenth or more."""
    url = urlsplit(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
    tries = int(sys.argv[2]) if len(sys.argv) > 2 else 30  # noqa: PLR2004 - the second argument
    if url.hostname not in ("127.0.0.1", "localhost"):
        sys.stderr.write("This benchmark talks to a shop on this machine only.\n")
        return 2
    connection = HTTPConnection(url.hostname, url.port or 80)
    times: dict[str, list[float]] = {"wrong password": [], "unknown address": []}
    for _ in range(tries):
        known, unknown = (f"{uuid.uuid4().hex}@example.com" for _ in range(2))
        names = {"firstName": "Ada", "lastName": "Lovelace"}
        post(connection, "/auth/register", {"email": known, "password": "correct horse battery", **names})
        for kind, email in (("wrong password", known), ("unknown address", unknown)):
            status, elapsed = post(connection, "/auth/login", {"email": email, "password": "a wrong password"})
            if status != 401:  # noqa: PLR2004 - the answer to bad credentials
                sys.stderr.write(f"{kind}: status {status} instead of 401\n")
                return 2
            times[kind].append(elapsed)
    medians = {kind: statistics.median(measured) for kind, measured in times.items()}
    ratio = medians["unknown address"] / medians["wrong password"]
    for kind, median in medians.items():
        print(f"{kind}: median {median:.1f} ms of {tries}")  # noqa: T201 - the result
    print(f"ratio {ratio:.3f}")  # noqa: T201 - the result
    return 0 if abs(ratio - 1) < 0.1 else 1  # noqa: PLR2004 - a tenth


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ConnectionError:
        sys.exit("No shop answers there; start it with `make run`.")
