"""The local AWS as a process beside the launcher."""

from contextlib import AbstractContextManager

from tools.local import processes, saved
from tools.local import settings as local
from tools.local.processes import Running, Service
from tools.local.settings import IDENTITY, LocalSettings


def service(settings: LocalSettings) -> Service:
    """How the local AWS of these settings is found and started."""
    return Service(
        name="local AWS",
        port=settings.cloud_port,
        port_variable="CLOUD_PORT",
        identity=IDENTITY,
        state=settings.state,
        log=settings.cloud_log,
        command=("tools.local.emulator", str(settings.cloud_port), str(settings.state)),
        environment=_environment(settings),
    )


def running(settings: LocalSettings) -> AbstractContextManager[Running]:
    """The local AWS for these settings: the one that runs already, or a new one, unless it could not read its state."""
    saved.look_after(settings.state)
    return processes.running(service(settings))


def _environment(settings: LocalSettings) -> dict[str, str]:
    """What ministack reads when it is imported; listeners that would not be on loopback are off."""
    return {
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
