"""Table II, or another table of its kind."""

import pandas as pd

from cragru.io import read_json
from cragru.reporting.files import write_table
from cragru.reporting.rows import read_measured
from cragru.reporting.significance_table import mark_differences, significance_note
from cragru.reporting.utility_table import candidates_note, utility_grid, utility_notes, utility_table
from cragru.smk import stage


def main(job):
    spec = job.params.spec
    table = utility_table(read_measured(job.params.rows), spec["mask"], spec["cutoffs"], job.input.get("paper") or None)
    notes = utility_notes(table, job.params.title)
    if job.input.get("tests"):
        tests = pd.read_csv(job.input.tests)
        table = mark_differences(table, tests)
        notes.append(significance_note(tests, job.params.references))
    header, grid = utility_grid(table, spec["least_users"])
    if job.input.checks:
        checks = map(read_json, job.input.checks)
        notes.append(job.params.note + " " + candidates_note(zip(job.params.candidate_groups, checks, strict=True)))
    write_table(dict(job.output.items()), table, header, grid, spec, notes)


if __name__ == "__main__":
    stage(snakemake, main)
