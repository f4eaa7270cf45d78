"""Table IV, of what every model still knows user by user."""

from cragru.evaluation.bootstrap import Resampling
from cragru.reporting.completeness_table import completeness_grid, completeness_notes, completeness_table
from cragru.reporting.files import write_table
from cragru.reporting.forgetting_rows import read_remembered
from cragru.smk import stage


def main(job):
    spec, retrain = job.params.spec, job.params.retrain
    resampling = Resampling(seed=0)
    table = completeness_table(read_remembered(job.params.rows, resampling), retrain, resampling, spec["least_users"])
    header, grid = completeness_grid(table)
    notes = completeness_notes(table, job.params.title, retrain, resampling)
    if job.params.note:
        notes.append(job.params.note)
    write_table(dict(job.output.items()), table, header, grid, spec, notes)


if __name__ == "__main__":
    stage(snakemake, main)
