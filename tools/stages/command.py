"""How a command that works on AWS ends: in a sentence, and an exit code that is not 0 where it is not done."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from tools.refusal import Refusal, complain


def carry_out(work: Callable[[], object]) -> int:
    """Do it; the exit code: 0 it is done, 2 it is not, 130 it was interrupted."""
    try:
        work()
    except Refusal as refusal:
        return complain(str(refusal))
    except (BotoCoreError, ClientError) as error:
        return complain(f"AWS did not do it: {error}")
    except KeyboardInterrupt:
        return complain("Interrupted; what AWS has begun it ends. Run it again to see.", code=130)
    return 0
