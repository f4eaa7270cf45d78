"""Compute every metric of the cohort's users for an LLM's lists and for the controls that need no further answer."""

from pathlib import Path

from cragru.backbones.base import FactorModel
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import read_all_parts, read_sizes
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.reranked import RerankedScorer
from cragru.evaluation.utility import per_user_utility
from cragru.job import stage
from cragru.kept.files import read_parquet, write_parquet
from cragru.llm.reranking import RERANKED


def main(job):
    parts = read_all_parts(
        Path(job.input.record).parent, read_parquet(job.input.interactions, INTERACTIONS)
    )
    lists = read_parquet(job.input.lists, RERANKED)
    parts["test"] = parts["test"][parts["test"]["user"].isin(lists["user"])]  # the cohort's users
    model, sizes = FactorModel.load(job.input.model), read_sizes(job.input.statistics)
    for variant, own in lists.groupby("variant"):
        table = per_user_utility(RerankedScorer(model, own), parts, *sizes)
        write_parquet(job.output[variant.replace("-", "_")], table, PER_USER)


if __name__ == "__main__":
    stage(snakemake, main)
