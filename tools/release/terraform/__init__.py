"""A stage's release by Terraform: an apply, then CodeDeploy moves the API and its authorizer, or all goes back.

| file | job |
|---|---|
| `command.py` | which of it is done |
| `program.py` | Terraform itself: the state's place, plan, apply, and what it refuses in a sentence |
| `packages.py` | the packages of releases, kept to go back to |
| `serving.py` | which version of each function serves, and what of it is noted |
| `shifting.py` | the deployments of CodeDeploy, followed to their end |
| `releasing.py` | a release |
| `returning.py` | the way back |
| `removal.py` | the end of a stage |

An apply is not undone by itself when it fails half-way, as a stack's update is: begun again, it goes on. What moved
the requests is undone: a version that fails leaves the former one serving, and the release before is applied again, so
that code, state and what serves are one.
"""
