"""Does what GitHub's runners do with a workflow's `run` steps, as far as the project's workflows need it.

| file | job |
|---|---|
| `expressions.py` | what stands in `${{ … }}` and behind `if:` |
| `runner.py` | a job's steps in their order |
"""
