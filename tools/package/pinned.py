"""`python -m tools.package.pinned 3.13 package …`: Chalice's commands, which package for that Python on any other."""

import sys
from pathlib import Path

from chalice.cli import main as chalice
from chalice.config import Config
from chalice.deploy import deployer
from chalice.deploy.packager import LambdaDeploymentPackager

from tools.package import archive


class Packager(LambdaDeploymentPackager):
    """Chalice's packager, whose archives are ended as all of ours are."""

    def create_deployment_package(self, project_dir: str, python_version: str) -> str:
        """Make the archive of the code; its path."""
        made = super().create_deployment_package(project_dir, python_version)
        archive.finish(Path(made), python_version.removeprefix("python"))
        return made


def pin(python: str) -> None:
    """Let Chalice in this process package for that Python. It has no setting for it: it looks at its interpreter."""
    type.__setattr__(Config, "lambda_python_version", property(lambda _: f"python{python}"))
    deployer.LambdaDeploymentPackager = Packager  # type: ignore[misc]


if __name__ == "__main__":
    pin(sys.argv.pop(1))
    sys.exit(chalice())
