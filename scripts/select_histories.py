"""Choose what a strategy keeps of each remaining history: training and validation rows, or training rows alone."""

import importlib
from pathlib import Path

import pandas as pd

from cragru.core.names import TRAINING
from cragru.core.roles import Role
from cragru.data.parts import read_parts
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json, write_parquet
from cragru.retrieval.columns import CANDIDATES, SELECTION
from cragru.retrieval.selection import select_histories


def main(job):
    names = ["train"] if job.wildcards.history == TRAINING else ["train", "valid"]
    parts = read_parts(Path(job.input.record).parent, names)
    history = pd.concat(parts.values()).sort_values("row", ignore_index=True)
    strategy = importlib.import_module(job.params.module).load(Path(job.input.fitted))
    candidates = read_parquet(job.input.candidates, CANDIDATES)
    name, seed = job.wildcards.strategy, int(job.wildcards.seed)
    selection, seconds = select_histories(
        strategy, name, history, candidates, job.params.limit, seed
    )
    write_parquet(job.output.selection, selection, SELECTION)
    users = int(candidates["user"].nunique())
    cost = {
        "users": users,
        "seconds_per_user": seconds.wall / users,
        "cpu_seconds_per_user": seconds.cpu / users,
    }
    write_json(job.output.cost, cost)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
