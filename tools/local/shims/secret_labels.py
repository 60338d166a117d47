"""ministack gives a secret that is made without a value a version without one, and a current version no other labels.

Terraform makes a secret first and its value after it. The version without a value would be the previous signing key,
which nobody can read; and the first value has a label of its own, by which it stays.
"""

from typing import Any

from ministack.services import secretsmanager as secrets

OF_ROTATION = ("AWSCURRENT", "AWSPREVIOUS", "AWSPENDING")
VALUES = ("SecretString", "SecretBinary")


def apply() -> None:
    """Let a secret without a value have no version, and a version all labels that it is given."""
    create, put = secrets._create_secret, secrets._put_secret_value  # noqa: SLF001

    def create_secret(asked: dict[str, Any]) -> Any:
        answer = create(asked)
        if answer[0] == 200 and not any(asked.get(value) for value in VALUES):  # noqa: PLR2004
            secrets._secrets[asked["Name"]]["Versions"].clear()  # noqa: SLF001
        return answer

    def put_secret_value(asked: dict[str, Any]) -> Any:
        answer = put(asked)
        if answer[0] == 200:  # noqa: PLR2004
            label(asked["SecretId"], asked.get("VersionStages", ()))
        return answer

    secrets._create_secret, secrets._put_secret_value = create_secret, put_secret_value  # noqa: SLF001


def label(secret_id: str, labels: Any) -> None:
    """Give the newest version the labels that are not of rotations; no other version has them any more."""
    _, secret = secrets._resolve(secret_id)  # noqa: SLF001
    *others, newest = secret["Versions"].values()
    for own in (each for each in labels if each not in OF_ROTATION):
        for version in others:
            version["Stages"] = [each for each in version["Stages"] if each != own]
        if own not in newest["Stages"]:
            newest["Stages"].append(own)
