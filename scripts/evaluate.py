"""Compute every metric of every user for one model."""

from pathlib import Path

from cragru.backbones.base import FactorModel
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import read_all_parts, read_sizes
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.utility import per_user_utility
from cragru.job import stage
from cragru.kept.files import read_parquet, write_parquet


def main(job):
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    parts = read_all_parts(Path(job.input.record).parent, interactions)
    table = per_user_utility(
        FactorModel.load(job.input.model), parts, *read_sizes(job.input.statistics)
    )
    write_parquet(job.output.per_user, table, PER_USER)


if __name__ == "__main__":
    stage(snakemake, main)
