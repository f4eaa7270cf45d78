"""Forget first and split the rest, or split and wait for requests, as the protocol says."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import require_times, write_parts
from cragru.data.split import forget_and_split
from cragru.job import stage
from cragru.kept.files import read_parquet


def main(job):
    params = job.params
    require_times(job.input.statistics, params.split_by)
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    rows = forget_and_split(
        interactions, params.forget, params.ratios, int(params.seed), params.split_by
    )
    write_parts(Path(job.output.record).parent, rows, interactions)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DIVIDES)
