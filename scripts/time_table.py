"""Table III: what single requests take."""

from cragru.io import read_json
from cragru.reporting.files import write_table
from cragru.reporting.time_table import requester_note, time_grid, time_notes, time_table
from cragru.smk import stage


def main(job):
    records = [read_json(row["cost"]) | row for row in job.params.rows]
    table = time_table(records, job.input.get("paper") or None)
    header, grid = time_grid(table)
    methods, answered = ([r for r in records if (r["check"] is None) == is_method] for is_method in (True, False))
    notes = time_notes(table, job.params.title, devices(methods))
    if answered:
        checks = [(f"{record['backbone']} on {record['dataset']}", read_json(record["check"])) for record in answered]
        notes.append(requester_note(checks, devices(answered), job.params.note))
    write_table(dict(job.output.items()), table, header, grid, job.params.spec, notes)


def devices(records):
    return sorted({record["device"] for record in records})


if __name__ == "__main__":
    stage(snakemake, main)
