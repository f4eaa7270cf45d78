"""Choose the candidates of every evaluated user, for their test and their validation lists, from the source's model."""

from pathlib import Path

import pandas as pd

from cragru.backbones.base import FactorModel
from cragru.core.roles import Role
from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage
from cragru.kept.files import write_parquet
from cragru.retrieval.columns import CANDIDATES
from cragru.retrieval.selection import top_candidates


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "valid", "test"])
    seen = pd.concat([parts["train"], parts["valid"]])
    _, items = read_sizes(job.input.statistics)
    users = parts["test"][
        "user"
    ].unique()  # whom the evaluation asks about; what they did in test is not looked at
    model, length = FactorModel.load(job.input.model), job.params.length
    table = top_candidates(model, seen, users, items, length)
    write_parquet(job.output.candidates, table, CANDIDATES)
    # lists on which weights are chosen: validation rows are not seen, and are what they are judged by
    judged = parts["valid"]["user"].unique()
    table = top_candidates(model, parts["train"], judged, items, length)
    write_parquet(job.output.validation, table, CANDIDATES)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
