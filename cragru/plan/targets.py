"""Names of rules, which tables and figures, being targets, cannot have."""

import re
from functools import cache
from pathlib import Path

WORKFLOW = Path(__file__).parents[2]
RULE = re.compile(r"^(?:use )?rule (?:\w+ as )?(\w+)(?::| with:)", re.MULTILINE)


@cache
def rule_names() -> frozenset[str]:
    """Return the names of all rules, as the rule files have them."""
    found: list[str] = []
    for path in (*WORKFLOW.glob("Snakefile"), *WORKFLOW.glob("workflow/rules/*.smk")):
        found += RULE.findall(path.read_text(encoding="utf-8"))
    return frozenset(found)
