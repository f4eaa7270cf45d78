"""Compute every metric of every user for the candidates in orders that no LLM takes part in."""

from pathlib import Path

from cragru.backbones.base import FactorModel
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import read_all_parts, read_sizes
from cragru.evaluation.bounds import per_user_bounds
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.reranked import RerankedScorer
from cragru.evaluation.utility import per_user_utility
from cragru.job import stage
from cragru.kept.files import read_parquet, write_parquet
from cragru.llm.reranking import RERANKED


def main(job):
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    parts = read_all_parts(Path(job.input.record).parent, interactions)
    model, sizes = FactorModel.load(job.input.model), read_sizes(job.input.statistics)
    lists = read_parquet(job.input.lists, RERANKED)
    tables = {
        variant: per_user_utility(RerankedScorer(model, own), parts, *sizes)
        for variant, own in lists.groupby("variant")
    }
    tables |= per_user_bounds(model, parts, *sizes, job.params.length, int(job.wildcards.seed))
    for variant, table in tables.items():
        write_parquet(job.output[variant.replace("-", "_")], table, PER_USER)


if __name__ == "__main__":
    stage(snakemake, main)
