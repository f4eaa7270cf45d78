"""Give a data set dense ids and canonical order."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.prepare import prepare
from cragru.job import stage


def main(job):
    folder = Path(job.output.interactions).parent
    prepare(job.input.raw, folder, job.params.loaders, job.params.own)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.PREPARES)
