"""The chain of what an LLM is worth: from a random order of the candidates to the best one."""

import pandas as pd

from cragru.core.names import BEST_ORDER, RANDOM_ORDER
from cragru.reporting.averages import counted
from cragru.reporting.base import RESAMPLING, Drawing, Order
from cragru.reporting.llm_worth_table import intervals_over, worth_table
from cragru.reporting.points import BESIDE, BOUND, OWN

ENDS = (RANDOM_ORDER, BEST_ORDER)  # of the chain: nobody can serve them


def make(order: Order) -> Drawing:
    """Draw the chain of what an LLM is worth.

    Args:
        order: As `cragru.reporting.llm_worth_table.worth_table` takes it; a further word is `note` (of the LLM).
    """
    chain = worth_chain(worth_table(order))
    note = chain_note(chain, order.words["note"], RESAMPLING.level)
    return Drawing(chain, chain_points(chain, order.words["cutoff"]), note, has_points=True)


def worth_chain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of `worth_table` that the chain has: of a score that also stands beside the backbone's, that."""
    return table[table["fused"].isna()].reset_index(drop=True)


def chain_points(chain: pd.DataFrame, cutoff: int) -> pd.DataFrame:
    """Return the points for `cragru.reporting.points.draw_points`: a panel for each source of candidates."""
    points = []
    for line in chain.to_dict("records"):
        name, kind = line["order"], BESIDE
        if line["control"] is None:
            name, kind = f"+ {name} ({line['panel']})", OWN
        elif line["control"] in ENDS:
            kind = BOUND
        bounds = {"mean": line["ndcg"], "low": line["ndcg_low"], "high": line["ndcg_high"]}
        panel = f"{line['dataset']}, {line['backbone']},\ncandidates of {line['candidates_of']}"
        points.append({"panel": panel, "point": name, "kind": kind, **bounds})
    return pd.DataFrame(points).assign(axis=f"NDCG@{cutoff}")


def chain_note(chain: pd.DataFrame, about: str, level: float) -> str:
    """Tell what the points are of; `about`, of the LLM, ends the note."""
    note = (
        f"The same candidates in several orders; n = {counted(chain['users'])}. Lines: {level:.0%} intervals over "
        f"{intervals_over(chain)}. With +: orders of an LLM, fused with the model's score where a weight was chosen. "
        "Rows of other users are held against each other in the table alone, where differences are paired. The best "
        f"order knows the test rows. {about}"
    )
    return note.strip()
