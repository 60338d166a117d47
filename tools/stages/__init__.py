"""What differs between stages: one settings file each, `stages/<stage>.toml`, read here for every tool.

    from tools import stages

    stage = stages.read("prod")

From the files come `.chalice/config.json` and the policies, the parameters of both stacks, and what is packaged.

| file | job |
|---|---|
| `settings.py` | a stage's settings, and what they may be |
| `files.py` | reads them from their files |
"""

from tools.stages.files import names, read
from tools.stages.settings import Stage

__all__ = ["Stage", "names", "read"]
