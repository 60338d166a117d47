"""Makes what is deployed: the SAM template and the code of a stage.

| file | job |
|---|---|
| `__main__.py` | the command |
| `sam.py` | the template and the code of a stage, by Chalice |
| `gateway.py` | API Gateway's own answers, for the template |
| `finishing.py` | how the template ends: aliases, versions, few bytes |
| `archive.py` | how the archive of the code ends: bytecode, the same bytes each time |
| `runtime.py` | the Python that a package is for |
| `pinned.py` | Chalice's commands, for that Python |
| `canary.py` | how a release takes over the traffic |
| `foundation.py` | a key of its own, warm functions, a private network |
| `artifacts.py` | the bucket that packages go through |
| `viewer.py` | what the page /docs loads, into the stage's bucket |
| `edge/` | the options at the edge of a stage |
| `schedules.py` | where failed runs of scheduled functions go |
| `translated.py` | what SAM makes of the template |
| `terraform/` | the same for Terraform, translated |
| `deploy.py` | `chalice deploy` instead of SAM |
"""
