"""Cut the data of a deployed model into shards."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.parts import read_sizes
from cragru.job import stage
from cragru.unlearning.files import write_deployed_partition


def main(job):
    return write_deployed_partition(
        job.output.partition,
        split=Path(job.input.record).parent,
        sizes=read_sizes(job.input.statistics),
        module=job.params.module,
        options=job.params.options,
        shards=job.params.shards,
        seed=int(job.wildcards.seed),
        original=job.input.original or None,
    )


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DEPLOYS)
