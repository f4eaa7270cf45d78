"""Give a data set dense ids and canonical order."""

from pathlib import Path

from cragru.data.prepare import prepare
from cragru.roles import Role
from cragru.smk import stage


def main(job):
    prepare(job.input.raw, Path(job.output.interactions).parent, job.params.loaders)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.PREPARES)
