"""Write lists of a model, or an LLM's with their controls: nothing seen, and nothing forgotten (mask B)."""

from pathlib import Path

import torch

from cragru.backbones.base import FactorModel, pairs
from cragru.data.parts import read_parts, read_sizes
from cragru.evaluation.bias_columns import LIST_LENGTH, LISTS
from cragru.evaluation.reranked import RerankedScorer
from cragru.evaluation.utility import recommended
from cragru.job import stage
from cragru.kept.files import read_parquet, write_parquet
from cragru.llm.reranking import RERANKED


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "valid", "forget", "test"])
    judged = torch.unique(pairs(parts["test"])[0])
    model, sizes = FactorModel.load(job.input.model), read_sizes(job.input.statistics)
    scorers = {"lists": model}
    if "lists" in job.input.keys():  # noqa: SIM118  a Namedlist iterates over values
        lists = read_parquet(job.input.lists, RERANKED)
        judged = judged[
            torch.isin(judged, torch.from_numpy(lists["user"].to_numpy()))
        ]  # the cohort
        scorers = {variant: RerankedScorer(model, own) for variant, own in lists.groupby("variant")}
    for variant, scorer in scorers.items():
        found = recommended(scorer, parts, judged, *sizes, LIST_LENGTH)
        write_parquet(job.output[variant.replace("-", "_")], found, LISTS)


if __name__ == "__main__":
    stage(snakemake, main)
