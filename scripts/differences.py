"""Paired tests between the rows of a table of ranking quality."""

from cragru.evaluation.bootstrap import Resampling
from cragru.io import write_text
from cragru.reporting.rows import read_measured
from cragru.reporting.significance_table import significance_table
from cragru.smk import stage


def main(job):
    spec, measured = job.params.spec, read_measured(job.params.rows)
    null, references = tuple(job.params.null), job.params.references
    table = significance_table(measured, spec["mask"], spec["cutoffs"], references, null, Resampling(seed=0))
    write_text(job.output.csv, table.to_csv(index=False))


if __name__ == "__main__":
    stage(snakemake, main)
