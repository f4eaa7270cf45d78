"""Order every evaluated user's candidates without an LLM, by what remains: training and validation rows."""

from pathlib import Path

import numpy as np
import pandas as pd

from cragru.core.roles import Role
from cragru.data.frames import ITEMS
from cragru.data.parts import read_parts
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json, write_parquet
from cragru.llm.reranking import RERANKED
from cragru.retrieval.columns import CANDIDATES
from cragru.retrieval.controls import Known, content_vectors, control_lists


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["train", "valid"])
    items = read_parquet(job.input.item_frame, ITEMS)
    counts = np.bincount(parts["train"]["item"], minlength=len(items))
    known = Known(counts, content_vectors(items))
    validation = known.lists(read_parquet(job.input.validation, CANDIDATES), parts["train"])
    test = known.lists(read_parquet(job.input.candidates, CANDIDATES), pd.concat(parts.values()))
    lists, weights = control_lists(known, validation, parts["valid"], test)
    write_parquet(job.output.lists, lists.astype(RERANKED), RERANKED)
    write_json(job.output.weights, weights)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.WEIGHS)
