"""The ARN of a version that is published with its function, on the local AWS."""

from __future__ import annotations

import base64
import io
import json
import uuid
import zipfile
from types import ModuleType

from ministack.services import lambda_svc

from tests.support.mended import ministack
from tools.local.shims import published_versions


def code(text: str) -> str:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("app.py", text)
    return base64.b64encode(packed.getvalue()).decode()


def published(*shims: ModuleType) -> list[str]:
    """The ends of the ARNs of a function and its versions, one published when it was made, one with new code."""
    asked = {
        "FunctionName": (name := f"of-the-test-{uuid.uuid4()}"),
        "Runtime": "python3.11",
        "Handler": "app.handle",
        "Role": "arn:aws:iam::000000000000:role/of-the-test",
        "Publish": True,
    }
    with ministack(*shims):
        status, *_ = lambda_svc._create_function({**asked, "Code": {"ZipFile": code("1")}})
        assert status == 201
        lambda_svc._update_code(name, {"ZipFile": code("2"), "Publish": True})
        found = json.loads(lambda_svc._list_versions(name, {})[2])["Versions"]
        return [each["FunctionArn"].partition(name)[2] for each in found]


def test_ministack_still_names_them_like_their_function() -> None:
    assert published() == ["", "", ""]


def test_each_version_has_its_own() -> None:
    assert published(published_versions) == ["", ":1", ":2"]


def test_new_code_for_a_function_that_is_not_there_is_refused_as_ever() -> None:
    with ministack(published_versions):
        status, *_ = lambda_svc._update_code("nothing", {"ZipFile": code("1"), "Publish": True})

    assert status == 404
