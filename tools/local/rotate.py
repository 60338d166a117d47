"""`python -m tools.local.rotate`: rotate the local shop's signing key, step by step as Secrets Manager would."""

import uuid

from chalicelib.aws import rotation
from chalicelib.core import settings
from tools import stage

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def main() -> None:
    """Run the four steps for a new version."""
    stage.enter()
    version = str(uuid.uuid4())
    for step in STEPS:
        rotation.run(step, settings.current().jwt_secret_name, version)
    print("The signing key was rotated; tokens signed before stay good.")


if __name__ == "__main__":
    main()
