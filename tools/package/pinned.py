"""`python -m tools.package.pinned 3.13 package …`: Chalice's commands, which package for that Python on any other."""

import sys
from pathlib import Path

from chalice.cli import main as chalice
from chalice.config import Config
from chalice.deploy import deployer
from chalice.deploy.packager import (
    AppOnlyDeploymentPackager,
    BaseLambdaDeploymentPackager,
    LambdaDeploymentPackager,
    LayerDeploymentPackager,
)

from tools.package import archive


class EndingPackager(BaseLambdaDeploymentPackager):
    """A packager of Chalice's, whose archives are ended as all of ours are."""

    def create_deployment_package(self, project_dir: str, python_version: str) -> str:
        """Make the archive, unless it is there already; its path."""
        is_there = Path(self.deployment_package_filename(project_dir, python_version)).exists()
        made = super().create_deployment_package(project_dir, python_version)
        if not is_there:
            root = self._PREFIX % python_version if isinstance(self, LayerDeploymentPackager) else ""
            archive.finish(Path(made), python_version.removeprefix("python"), root)
        return made


class Packager(EndingPackager, LambdaDeploymentPackager):
    """The code and what it depends on, in one archive."""


class AppPackager(EndingPackager, AppOnlyDeploymentPackager):
    """The code alone."""


class LayerPackager(EndingPackager, LayerDeploymentPackager):
    """What the code depends on, as a layer."""


def pin(python: str) -> None:
    """Let Chalice in this process package for that Python. It has no setting for it: it looks at its interpreter."""
    type.__setattr__(Config, "lambda_python_version", property(lambda _: f"python{python}"))
    deployer.LambdaDeploymentPackager = Packager  # type: ignore[misc]
    deployer.AppOnlyDeploymentPackager = AppPackager  # type: ignore[misc]
    deployer.LayerDeploymentPackager = LayerPackager  # type: ignore[misc]


if __name__ == "__main__":
    pin(sys.argv.pop(1))
    sys.exit(chalice())
