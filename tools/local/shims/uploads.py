"""ministack believes any policy of an upload; S3 refuses one that is not the one that was signed."""

import os
from typing import Any

from ministack.core.sigv4 import SIGNATURE_MISMATCH, calculate_signature, signatures_match
from ministack.services import s3


def apply() -> None:
    """Make the local AWS refuse a signed upload whose policy is not the one that was signed."""
    judge = s3._enforce_signed_post_policy  # noqa: SLF001

    def judge_signed(fields: dict[str, str], *rest: Any) -> Any:
        if is_forged(fields):
            return s3._error("SignatureDoesNotMatch", SIGNATURE_MISMATCH, 403)  # noqa: SLF001
        return judge(fields, *rest)

    s3._enforce_signed_post_policy = judge_signed  # noqa: SLF001


def is_forged(fields: dict[str, str]) -> bool:
    """Is the policy another than was signed?

    The keys that this AWS goes by are their own secrets; functions sign with the secret that this process has.
    """
    key, date, region = [*fields.get("x-amz-credential", "").split("/"), "", "", ""][:3]
    policy, given = fields.get("policy", ""), fields.get("x-amz-signature", "")
    secrets = (key, os.environ.get("AWS_SECRET_ACCESS_KEY", ""))
    return not any(signatures_match(calculate_signature(each, date, region, "s3", policy), given) for each in secrets)
