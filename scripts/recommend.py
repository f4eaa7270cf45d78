"""Write lists of a model, or an LLM's with their controls: nothing seen, and nothing forgotten (mask B)."""

from pathlib import Path

import pandas as pd

from cragru.backbones.base import FactorModel
from cragru.data.parts import read_parts, read_sizes
from cragru.evaluation.bias_columns import LIST_LENGTH, LISTS
from cragru.evaluation.reranked import RerankedScorer
from cragru.evaluation.utility import recommended
from cragru.job import stage
from cragru.kept.files import read_parquet, write_parquet
from cragru.llm.reranking import RERANKED


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "valid", "forget", "test"])
    hidden = pd.concat([parts[name] for name in ("train", "valid", "forget")])
    model, sizes = FactorModel.load(job.input.model), read_sizes(job.input.statistics)
    scorers, test = {"lists": model}, parts["test"]
    if "lists" in job.input.keys():  # noqa: SIM118  a Namedlist iterates over values
        lists = read_parquet(job.input.lists, RERANKED)
        test = test[test["user"].isin(lists["user"])]  # the cohort's users
        scorers = {variant: RerankedScorer(model, own) for variant, own in lists.groupby("variant")}
    for variant, scorer in scorers.items():
        found = recommended(scorer, hidden, test, *sizes, LIST_LENGTH)
        write_parquet(job.output[variant.replace("-", "_")], found, LISTS)


if __name__ == "__main__":
    stage(snakemake, main)
