"""ministack has no CodeDeploy, by which CloudFormation moves a Lambda alias from one version to the next.

| file | job |
|---|---|
| `deployment.py` | one deployment: the hooks, the shares of traffic, the alarms, the way back |
| `service.py` | the calls of its API that hooks, the shop's tools and Terraform make |
| `groups.py` | applications and their groups, and what a deployment of one is to do |
| `resources.py` | its types in a template, and the update policy of an alias |

What AWS does in minutes is done in CODEDEPLOY_MINUTE_SECONDS of the local AWS' environment, 60 unless it says
otherwise. Deployments are forgotten when the local AWS stops. Other than on AWS, a hook that raises has failed at
once, and what CloudFormation rolls back is moved at once and without hooks.
"""

from tools.local.shims.codedeploy import resources, service


def apply() -> None:
    """Teach the local AWS CodeDeploy."""
    service.apply()
    resources.apply()
