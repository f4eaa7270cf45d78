"""The choice of learning rate and patience: of each backbone, and of each method's shards on it, on validation alone.

The rule: the largest validation NDCG@10 of what the method serves, mean over the seeds of a run and over methods that
train alike (docs/unlearning.md). Test rows are never read. `snakemake tuning` makes the numbers; what is used stands in
params.yaml.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from types import ModuleType
from typing import Any

import pandas as pd

from cragru.backbones.learner import Validator
from cragru.backbones.trainer import choose_device
from cragru.unlearning.base import Context
from cragru.unlearning.options import TUNED

RATES = (0.001, 0.002, 0.005)
PATIENCES = (10, 30)
COLUMNS = [*TUNED, "ndcg", "steps", "cpu_seconds"]


def search(
    context: Context,
    method: ModuleType,
    rates: Sequence[float] = RATES,
    patiences: Sequence[int] = PATIENCES,
) -> pd.DataFrame:
    """Serve the request with every learning rate and patience.

    A method with a partition has its shards trained so, any other the backbone itself; the options of the same name
    that the context has are not looked at.

    Returns:
        One row per rate and patience, `COLUMNS`: validation NDCG@10 of the model, training rows that remain masked;
        optimiser steps; CPU seconds of the request.
    """
    validator = Validator(context.remain, choose_device(context.device))
    rows = []
    for values in product(rates, patiences):
        chosen = dict(zip(TUNED, values, strict=True))
        done = method.unlearn(_tuned(context, chosen))
        cost = done.cost
        measured = [validator.ndcg(done.model).item(), cost.optimiser_steps, cost.sequential.cpu]
        rows.append([*values, *measured])
    return pd.DataFrame(rows, columns=COLUMNS)


def choose(frame: pd.DataFrame) -> tuple[float, int]:
    """Return learning rate and patience with the largest validation NDCG; of equal ones the first."""
    best = frame.loc[frame["ndcg"].idxmax()]
    return float(best["learning_rate"]), int(best["patience"])


def _tuned(context: Context, chosen: dict[str, Any]) -> Context:
    """Return a request whose shards, or whose backbone, are trained with other options."""
    if "shards" in context.method_options:
        return replace(context, method_options={**context.method_options, **chosen})
    return replace(context, options=context.options.model_copy(update=chosen))
