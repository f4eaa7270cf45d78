"""Measure what a model, or an LLM's lists with their controls, still know of the forgotten rows; user by user."""

from pathlib import Path

import pandas as pd

from cragru.backbones.base import FactorModel
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import read_all_parts, read_sizes
from cragru.evaluation.completeness import (
    forget_remain_utility,
    membership_rows,
    of_users,
    per_user_completeness,
)
from cragru.evaluation.completeness_columns import (
    COMPLETENESS,
    FORGET_REMAIN,
    MEMBERSHIP,
    MODEL,
    VARIANT,
)
from cragru.evaluation.reranked import RerankedScorer
from cragru.job import stage
from cragru.kept.files import read_parquet, write_parquet
from cragru.llm.reranking import RERANKED


def main(job):
    parts = read_all_parts(
        Path(job.input.record).parent, read_parquet(job.input.interactions, INTERACTIONS)
    )
    sizes, seed = read_sizes(job.input.statistics), int(job.wildcards.seed)
    model, original = (FactorModel.load(job.input[name]) for name in ("model", "original"))
    shadows = list(map(FactorModel.load, job.input.shadows))
    scorers = {MODEL: model}
    if "lists" in job.input.keys():  # noqa: SIM118  a Namedlist iterates over values
        lists = read_parquet(job.input.lists, RERANKED)
        parts = of_users(parts, set(lists["user"]))
        scorers = {variant: RerankedScorer(model, own) for variant, own in lists.groupby("variant")}
    measures = {
        "membership": (MEMBERSHIP, lambda scorer: membership_rows(scorer, shadows, parts, *sizes)),
        "completeness": (
            COMPLETENESS,
            lambda scorer: per_user_completeness(scorer, original, shadows, parts, *sizes),
        ),
        "forget_remain": (
            FORGET_REMAIN,
            lambda scorer: forget_remain_utility(scorer, parts, *sizes, seed),
        ),
    }
    for name, (columns, measure) in measures.items():
        tables = [measure(scorer).assign(variant=variant) for variant, scorer in scorers.items()]
        write_parquet(job.output[name], pd.concat(tables, ignore_index=True), VARIANT | columns)


if __name__ == "__main__":
    stage(snakemake, main)
