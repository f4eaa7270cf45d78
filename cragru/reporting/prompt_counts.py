"""What the proofs of the prompts count, for notes below tables."""

from collections.abc import Iterable, Mapping

import pandas as pd

Checks = Iterable[tuple[str, Mapping[str, int]]]
"""Of every prompt file: whose candidates it has, and its counts of `cragru.llm.proof.check_prompts`."""


def prompt_counts(checks: Checks) -> tuple[int, str]:
    """Return the history lines of all prompts; and the share of forgotten candidates, in words, by whose they are."""
    groups, counts = zip(*checks, strict=True)
    sums = pd.DataFrame(list(counts)).groupby(pd.Series(groups), sort=False).sum()
    shares = sums["forgotten_candidates"] / sums["candidates"]
    told = shares.index + ": " + shares.map("{:.1%}".format)
    return int(sums["history_rows"].sum()), "; ".join(told)
