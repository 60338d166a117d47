"""The Terraform form of a stage: translated from the two templates of CloudFormation, so that nothing is said twice.

| file | job |
|---|---|
| `kinds.py` | the table of types: what is not mechanical about each |
| `foundation.py` | its lines for a stage's options |
| `edge.py` | those for the options at its edge |
| `kind.py` | what such a line says, and what is mechanical |
| `shapes.py` | properties that Terraform has in another shape |
| `parts.py` | properties that are resources of their own there |
| `schema.py` | what the provider's resources take, an extract in schema.json |
| `extract.py` | makes that extract |
| `evaluation.py` | conditions and functions of a template, in one stage |
| `values.py` | references, and texts with some in them |
| `modules.py` | divides it all into modules that hand each other what they need |
| `closing.py` | shuts a shop by a variable |
| `code.py` | the code in a bucket, or beside the root module |
| `root.py` | the root module |
| `texts.py` | what lies beside it for people |
| `hcl.py` | Terraform's language, as `terraform fmt` leaves it |
| `packaging.py` | writes it |
"""
