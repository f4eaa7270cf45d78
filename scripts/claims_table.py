"""The paper's headline claims, from the results and times of the run."""

import pandas as pd

from cragru.evaluation.bootstrap import Resampling
from cragru.reporting.claims_table import (
    PRINTED_KEPT,
    Kept,
    claims_grid,
    claims_notes,
    kept_claims,
    mean_claims,
    speed_claims,
)
from cragru.reporting.files import write_table
from cragru.reporting.rows import read_measured
from cragru.smk import stage


def main(job):
    spec, names, resampling = job.params.spec, job.params.names, Resampling(seed=0)
    claims = [
        Kept(names["cragru"], names["original"], "B", PRINTED_KEPT),
        Kept(names["cragru"], names["retrain"], "A"),
        Kept(names["no_llm"], names["original"], "B"),
        Kept(names["no_llm"], names["retrain"], "A"),
    ]
    measured = read_measured(job.params.rows)
    kept = kept_claims(measured, claims, spec["cutoff"], resampling, spec["least_users"])
    speed = speed_claims(pd.read_csv(job.input.times), names["cragru"])
    table = mean_claims(pd.concat([kept, speed], ignore_index=True).sort_values(["dataset", "backbone"], kind="stable"))
    header, grid = claims_grid(table)
    notes = [*claims_notes(resampling, spec["least_users"]), job.params.note]
    write_table(dict(job.output.items()), table, header, grid, spec, notes)


if __name__ == "__main__":
    stage(snakemake, main)
