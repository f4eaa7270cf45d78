"""Draw a history for each user that is nobody's, for a control; it reads what is forgotten, to leave that out."""

from pathlib import Path

import pandas as pd

from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json, write_parquet
from cragru.retrieval.columns import CANDIDATES, SELECTION
from cragru.retrieval.drawing import draw_histories


def main(job):
    names = ["train", "valid", "forget", "forget-heldout"]
    parts = read_parts(Path(job.input.record).parent, names)
    remaining = pd.concat([parts["train"], parts["valid"]])
    # of every cell that may be asked, so that all of them have one and the same history
    candidates = pd.concat(read_parquet(path, CANDIDATES) for path in job.input.candidates)
    left_out = pd.concat([*parts.values(), candidates])[["user", "item"]]
    _, items = read_sizes(job.input.statistics)
    selection = read_parquet(job.input.selection, SELECTION)
    drawn = draw_histories(selection, remaining, left_out, items, int(job.wildcards.seed))
    write_parquet(job.output.selection, drawn, SELECTION)
    # nobody is served so: it costs nothing
    users = int(candidates["user"].nunique())
    write_json(
        job.output.cost, {"users": users, "seconds_per_user": 0.0, "cpu_seconds_per_user": 0.0}
    )


if __name__ == "__main__":
    stage(snakemake, main)
