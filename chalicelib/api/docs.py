"""The page /docs: a small answer that loads a viewer of the API's document from where its files are given out.

No function gives them out: deployed they lie in the stage's bucket, behind its distribution, and locally the server
beside the app has them. What may be loaded is named by its hash, so whoever could change a file there changes nothing
here (adr/0065).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from chalicelib.api import pages
from chalicelib.api.calls import Document
from chalicelib.core import ids, settings

_LOCAL_FILES = "/_local/viewer"  # of tools/local


class Viewer(msgspec.Struct, frozen=True):
    """The viewer's files: the prefix under which these very ones lie, and by what a browser knows each again."""

    version: str
    integrity: dict[str, str]


def page(base: str) -> Document:
    """The page, for this stage; `base` is what the addresses of this API begin with."""
    stage, viewer = settings.current(), _viewer()
    files = _LOCAL_FILES if stage.is_local else f"{stage.image_base_url}/docs/{viewer.version}"
    content = pages.filled(
        "docs",
        home=base,
        files=files,
        style=viewer.integrity["swagger-ui.css"],
        script=viewer.integrity["swagger-ui-bundle.js"],
        own_style=viewer.integrity["docs.css"],
        own_script=viewer.integrity["docs.js"],
    )
    policy = _policy("'self'" if stage.is_local else f"{files}/")
    kind, tag = f"{pages.HTML}; charset=utf-8", ids.digest(content + policy)[:32]
    headers = {"ETag": f'"{tag}"', "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Document(content, kind, headers)


@lru_cache(maxsize=1)
def _viewer() -> Viewer:
    return msgspec.json.decode(Path(__file__).with_name("pages").joinpath("viewer.json").read_bytes(), type=Viewer)


def _policy(source: str) -> str:
    """Scripts and styles from the viewer's files alone and none in the page, requests to the shop alone."""
    rules = {
        "default-src": "'none'",
        "script-src": source,
        "style-src": source,
        "img-src": "data:",  # the viewer's own signs
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
