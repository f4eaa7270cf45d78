"""Table V, of the results of every user under every seed."""

import numpy as np

from cragru.errors import CragruError
from cragru.evaluation.bias import Lists, Results
from cragru.evaluation.bias_schema import ITEM_ROWS, LIST_LENGTH, LISTS, MASK, USER_GROUPS
from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.schema import PER_USER
from cragru.io import read_parquet
from cragru.reporting.bias_table import Compared, bias_grid, bias_notes, whole_bias_table
from cragru.reporting.files import write_table
from cragru.smk import stage

MODELS = ("method", "retrain", "again")


def main(job):
    spec, resampling, again = job.params.spec, Resampling(seed=0), job.params.again
    rows = map(compared, job.params.rows)
    table = whole_bias_table(rows, resampling, MASK, LIST_LENGTH, spec["least_users"])
    header, grid = bias_grid(table, again)
    notes = bias_notes(table, job.params.title, resampling, again, LIST_LENGTH)
    write_table(dict(job.output.items()), table, header, grid, spec, notes)


def compared(row):
    names = tuple(row[name] for name in ("dataset", "backbone", "method"))
    return Compared(
        names,
        {seed: results(files) for seed, files in row["seeds"].items()},
        {seed: lists(files) for seed, files in row["seeds"].items()},
    )


def results(files):
    users = read_parquet(files["user_groups"], USER_GROUPS)
    per_user = {name: read_parquet(files[f"{name}_per_user"], PER_USER) for name in MODELS}
    return Results(**per_user, groups=users["group"].to_numpy(), training_rows=users["training_rows"].to_numpy())


def lists(files):
    rows = read_parquet(files["item_rows"], ITEM_ROWS)["training_rows"].to_numpy()
    wide = [
        read_parquet(files[f"{name}_lists"], LISTS).pivot(index="user", columns="rank", values="item")
        for name in MODELS
    ]
    users = wide[0].index.to_numpy()
    for name, table in zip(MODELS, wide, strict=True):
        if not table.index.equals(wide[0].index):
            mine, first = files[f"{name}_lists"], files[f"{MODELS[0]}_lists"]
            raise CragruError(f"{mine}: its users are not those of {first}; delete both and run again")
    places = sorted(set().union(*(table.columns for table in wide)))
    filled = (table.reindex(users, columns=places).fillna(-1).to_numpy(dtype=np.int64) for table in wide)
    return Lists(users, *filled, training_rows=rows)


if __name__ == "__main__":
    stage(snakemake, main)
