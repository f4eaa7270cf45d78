"""What a request costs CRAGRU, a row per strategy."""

from cragru.io import read_json
from cragru.reporting.cost_table import NAMES, cost_grid, cost_notes, cost_table
from cragru.reporting.files import write_table
from cragru.smk import stage


def main(job):
    costs = [read_json(path) for path in job.input.costs]
    cells = [dict(zip([*NAMES, "seed"], cell, strict=True)) for cell in job.params.cells]
    table = cost_table(cost | cell for cost, cell in zip(costs, cells, strict=True))
    header, grid = cost_grid(table)
    devices = sorted({cost["device"] for cost in costs if "device" in cost})
    notes = cost_notes(table, " and ".join(devices), job.params.note)
    write_table(dict(job.output.items()), table, header, grid, job.params.spec, notes)


if __name__ == "__main__":
    stage(snakemake, main)
