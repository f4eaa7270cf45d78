"""Measure how near users are to those who asked to be forgotten, and count the rows that all were trained on."""

from pathlib import Path

import numpy as np
import pandas as pd

from cragru.backbones.base import FactorModel
from cragru.data.parts import read_parts, read_sizes
from cragru.evaluation.bias_columns import ITEM_ROWS, USER_GROUPS
from cragru.evaluation.groups import user_groups
from cragru.job import stage
from cragru.kept.files import write_parquet


def main(job):
    parts, sizes = (
        read_parts(Path(job.input.record).parent, ["forget", "train"]),
        read_sizes(job.input.statistics),
    )
    factors = FactorModel.load(job.input.original).user_factors.numpy()
    rows = {
        name: np.bincount(parts["train"][name], minlength=size)
        for name, size in zip(("user", "item"), sizes, strict=True)
    }
    groups = user_groups(factors, parts["forget"]["user"].unique())
    users = pd.DataFrame({"user": range(sizes[0]), "group": groups, "training_rows": rows["user"]})
    items = pd.DataFrame({"item": range(sizes[1]), "training_rows": rows["item"]})
    write_parquet(job.output.user_groups, users, USER_GROUPS)
    write_parquet(job.output.item_rows, items, ITEM_ROWS)


if __name__ == "__main__":
    stage(snakemake, main)
