"""Give a data set dense ids and canonical order."""

from pathlib import Path

from cragru.config.datasets import Keep
from cragru.core.roles import Role
from cragru.data.prepare import prepare
from cragru.job import stage


def main(job):
    folder, keep = Path(job.output.interactions).parent, Keep.model_validate(job.params.keep)
    given = job.params
    prepare(job.input.raw, folder, given.loaders, given.own, given.options, keep)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.PREPARES)
