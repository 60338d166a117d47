"""What differs between stages: one settings file each, `stages/<stage>.toml`, read here for every tool.

    from tools import stages

    stage = stages.read("prod")

From the files come `.chalice/config.json` and the policies (`make stages`), the parameters of both stacks, and what is
packaged.

| file | job |
|---|---|
| `settings.py` | a stage's settings, and what they may be |
| `foundation.py` | the options below the API |
| `edge.py` | the options at its edge, the table `[edge]` |
| `files.py` | reads them from their files |
| `policies.py` | what a function may do in a stage |
| `generated.py` | the files of `.chalice/` that follow from the settings |
| `__main__.py` | the command that writes them |
| `parameters.py` | the parameters of both stacks |
| `place.py` | the account and region that the credentials lead to |
| `changes.py` | a change set of CloudFormation, shown before it is carried out |
| `resources.py` | brings the stack of the resources up: `make resources` |
| `account.py` | what an account has once in a region: `make account` |
| `safety.py` | what watches an account, for the same command |
| `secrets.py` | payment keys and the signing key: `make payment-keys`, `make rotate` |
| `api_keys.py` | makes and deletes keys of the API: `make api-key` |
| `ringing.py` | lets an alarm ring on trial: `make ring` |
| `removal.py` | takes a stage away, but for its data: `make remove` |
| `command.py` | how such a command ends |
| `findings.py` | what a look at a stage finds |
| `checks.py` | looks at the account, a function a subject |
| `preflight.py` | all of them in one list: `make preflight` |
"""

from tools.stages.files import names, read
from tools.stages.settings import Stage

__all__ = ["Stage", "names", "read"]
