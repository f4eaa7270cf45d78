"""What methods take for one user and for a tenth of all interactions."""

import pandas as pd

from cragru.data.parts import read_sizes
from cragru.io import read_json
from cragru.reporting.cost_table import STAGES
from cragru.reporting.files import write_table
from cragru.reporting.size_table import size_grid, size_notes, size_table
from cragru.smk import stage


def main(job):
    users = {label: read_sizes(path)[0] for label, path in zip(job.params.labels, job.input.statistics, strict=True)}
    table = size_table(pd.read_csv(job.input.times), map(large, job.params.rows), users, job.params.retrain)
    header, grid = size_grid(table)
    notes = size_notes(tuple(job.params.titles), users)
    write_table(dict(job.output.items()), table, header, grid, job.params.spec, notes)


def large(row):
    """A method's cost is of the whole request, an LLM's of one user."""
    cost = read_json(row["cost"])
    if row["cohort"] is None:
        return row | cost
    return row | {"seconds_per_user": sum(cost[name] for name in STAGES)}


if __name__ == "__main__":
    stage(snakemake, main)
