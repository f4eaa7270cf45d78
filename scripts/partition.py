"""Cut the data of a deployed model into shards."""

import importlib
from pathlib import Path

import pandas as pd

from cragru.backbones.base import FactorModel
from cragru.core.roles import Role
from cragru.core.seeds import numpy_stream
from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage
from cragru.unlearning.files import write_partition
from cragru.unlearning.partition.base import Problem


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "forget", "valid"])
    parts["train"] = pd.concat([parts["train"], parts.pop("forget")]).sort_values("row")
    users, items = read_sizes(job.input.statistics)
    embeddings = None
    if job.input.original:
        model = FactorModel.load(job.input.original)
        embeddings = (model.user_factors.numpy(), model.item_factors.numpy())
    problem = Problem(
        **{
            name: tuple(part[column].to_numpy("int64") for column in ("user", "item"))
            for name, part in parts.items()
        },
        users=users,
        items=items,
        shards=job.params.shards,
        options=job.params.options,
        rng=numpy_stream(int(job.wildcards.seed), "partition", job.params.module),
        embeddings=embeddings,
    )
    assignment = importlib.import_module(job.params.module).partition(problem)
    shards = {"train": assignment.train, "valid": assignment.valid}
    write_partition(job.output.partition, parts, shards)
    return {
        part: pd.Series(of_part).value_counts().sort_index().tolist()
        for part, of_part in shards.items()
    }


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DEPLOYS)
