"""Names of rules, which tables and figures, being targets, cannot have."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import takewhile
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
    """Return the users of `snakemake … person USER`: what follows `person`, up to the next option."""
    if PERSON not in arguments:
        return []
    after = arguments[arguments.index(PERSON) + 1 :]
    return list(takewhile(lambda argument: not argument.startswith("-"), after))
