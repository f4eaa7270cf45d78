"""Give a data set dense ids and canonical order."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.prepare import prepare
from cragru.job import stage


def main(job):
    prepare(job.input.raw, Path(job.output.interactions).parent, job.params.loaders)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.PREPARES)
