"""What linters say of every template that the project makes: `make lint-templates`.

What they find is mended, or has its reason: in `findings.toml` here, or, for checkov, in the resource's `Metadata`.

| file | job |
|---|---|
| `made.py` | makes every template: the files of `infra/`, and what is packaged of each stage |
| `options.py` | a stage that says every option |
| `linters.py` | runs cfn-lint, the serverless rules and checkov |
| `reasons.py` | tells what is left for a reason from what is not |
| `__main__.py` | the command |
"""
