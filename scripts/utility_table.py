"""Table II, or another table of its kind."""

from cragru.evaluation.schema import PER_USER
from cragru.io import read_parquet
from cragru.reporting.files import write_table
from cragru.reporting.utility_table import Measured, utility_grid, utility_notes, utility_table
from cragru.smk import stage


def main(job):
    spec = job.params.spec
    measured = [
        Measured(*cell, read_parquet(path, PER_USER))
        for cell, path in zip(job.params.cells, job.input.per_user, strict=True)
    ]
    table = utility_table(measured, spec["mask"], spec["cutoffs"], job.input.get("paper") or None)
    header, grid = utility_grid(table, spec["least_users"])
    write_table(dict(job.output.items()), table, header, grid, spec, utility_notes(table, job.params.title))


if __name__ == "__main__":
    stage(snakemake, main)
