"""What the proofs of the prompts count, for notes below tables."""

from collections.abc import Iterable, Mapping

import pandas as pd


def prompt_counts(checks: Iterable[tuple[str, Mapping[str, int]]]) -> tuple[int, str]:
    """Add up the counts.

    Args:
        checks: Whose candidates, and counts of `cragru.llm.proof.check_prompts`, of every prompt file.

    Returns:
        History lines of all prompts; and in words, of each of these models, which share of its candidates is forgotten.
    """
    groups, counts = zip(*checks, strict=True)
    table = pd.DataFrame(list(counts)).groupby(pd.Series(groups), sort=False).sum()
    shares = table["forgotten_candidates"] / table["candidates"]
    told = "; ".join(f"{group}: {share:.1%}" for group, share in shares.items())
    return int(table["history_rows"].sum()), told
