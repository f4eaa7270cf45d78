"""Names of rules, which tables and figures, being targets, cannot have."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PERSON = "person"  # the target that lists where rows of a user are
WORKFLOW = Path(__file__).parents[2]
RULE = re.compile(r"^(?:use )?rule (?:\w+ as )?(\w+)(?::| with:)", re.MULTILINE)


@cache
def rule_names() -> frozenset[str]:
    """Return the names of all rules, as the rule files have them."""
    found: list[str] = []
    for path in (*WORKFLOW.glob("Snakefile"), *WORKFLOW.glob("workflow/rules/*.smk")):
        found += RULE.findall(path.read_text(encoding="utf-8"))
    return frozenset(found)


def asked_of(arguments: Sequence[str]) -> list[str]:
    """Return the user of `snakemake … person USER`: the word after `person`, if it is no option."""
    after = list(arguments)[arguments.index(PERSON) + 1 :] if PERSON in arguments else []
    return [word for word in after[:1] if not word.startswith("-")]
