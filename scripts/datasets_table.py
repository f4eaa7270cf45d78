"""Table I."""

from cragru.io import read_json
from cragru.reporting.datasets_table import datasets_grid, datasets_table
from cragru.reporting.files import write_table
from cragru.smk import stage


def main(job):
    statistics = {label: read_json(path) for label, path in zip(job.params.labels, job.input.statistics, strict=True)}
    table = datasets_table(statistics, job.input.get("paper") or None)
    write_table(dict(job.output.items()), table, *datasets_grid(table), job.params.spec)


if __name__ == "__main__":
    stage(snakemake, main)
