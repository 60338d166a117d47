"""What lies beside the code of the Terraform form, to be read by people."""

from __future__ import annotations

from tools.stages import Stage

BACKEND = """\
# Where the state is kept, so that everybody who deploys has the same: copy this to backend.tf, say your bucket.
# The bucket has versions and is encrypted, and nobody reads it who may not deploy: the state holds the first signing
# key of the stage.
terraform {{
  backend "s3" {{
    bucket       = "your-terraform-states"
    key          = "{stack}/terraform.tfstate"
    region       = "{region}"
    encrypt      = true
    use_lockfile = true # Terraform before 1.10: dynamodb_table = "your-terraform-locks"
  }}
}}
"""
README = """\
# {stack} by Terraform

Made by `make package STAGE={stage} FORMAT=terraform`, for the stage {stage} alone; do not edit it, for the next
packaging writes it again. Your own files, such as backend.tf, stay.

```
cp backend.tf.example backend.tf   # and say your bucket
terraform init
terraform plan -out release.tfplan
terraform apply release.tfplan
```

- `modules/resources` is what must never be lost, `modules/application` the functions and the API,
  `modules/monitoring` alarms, dashboard and queries.
- Every value in terraform.tfvars comes from stages/{stage}.toml: change it there.
- How a release takes over the traffic, how to restore and how to destroy: docs/terraform.md of the project.
"""


def files(stage: Stage) -> dict[str, str]:
    """The text of each by its name."""
    said = {"stage": stage.name, "stack": stage.stack, "region": stage.region or "us-east-1"}
    return {"backend.tf.example": BACKEND.format(**said), "README.md": README.format(**said)}
