"""`python -m tools.templates TOOLS`: lint every template by the linters that lie in the folder TOOLS.

Exit codes: 0 each finding has its reason, 1 one has none or a reason is needed no more, 2 a linter did not work.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import stages
from tools.refusal import Refusal, complain
from tools.templates import linters, made, reasons
from tools.templates.linters import Lint, TemplateFinding

LINTERS = (linters.CFN_LINT, linters.SERVERLESS, linters.CHECKOV)


def main(arguments: list[str]) -> int:
    """Lint; the exit code."""
    if len(arguments) != 1:
        return complain("usage: python -m tools.templates TOOLS")
    try:
        left = reasons.read()
        with TemporaryDirectory() as scratch:
            folder, forms = Path(scratch) / "cloudformation", Path(scratch) / "terraform"
            folder.mkdir()
            templates = made.write(folder, forms)
            print("Linting; checkov takes a minute…", flush=True)
            found = linters.lint(Path(arguments[0]), folder, forms)
    except Refusal as refusal:
        return complain(str(refusal))
    return tell([*templates, *sorted(f"{form}.tf" for form in stages.names())], found, left)


def tell(templates: list[str], found: Lint, left: tuple[reasons.Left, ...]) -> int:
    """Say what is wrong, and count for each template and linter; the exit code."""
    wrong, idle = reasons.unexplained(found.findings, left), reasons.idle(found.findings, left)
    for finding in wrong:
        print(f"WRONG {finding}")
    for each in idle:
        print(f"WRONG tools/templates/findings.toml: {each} is found no more")
    print("\n".join(table(templates, found, wrong)))
    return 1 if wrong or idle else 0


def table(templates: list[str], found: Lint, wrong: list[TemplateFinding]) -> list[str]:
    """A line for each template and linter; cfn-lint does not tell what passes."""
    failed, all_found = _counted(wrong), _counted(found.findings)
    lines = [f"{'template':<24}{'linter':<12}{'passed':>8}{'left':>8}{'wrong':>8}"]
    for template in templates:
        for linter in LINTERS:
            key = (template, linter)
            passed = str(found.passed[key]) if linter == linters.CHECKOV else "-"
            lines.append(f"{template:<24}{linter:<12}{passed:>8}{all_found[key] - failed[key]:>8}{failed[key]:>8}")
    return lines


def _counted(findings: list[TemplateFinding]) -> Counter[tuple[str, str]]:
    return Counter((finding.template, finding.linter) for finding in findings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
