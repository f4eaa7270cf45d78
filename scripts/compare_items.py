"""Score a cohort's candidates by the cosines of an LLM's vectors to those of the history."""

import numpy as np
import pandas as pd

from cragru.core.clock import now
from cragru.core.roles import Role
from cragru.data.cohort import read_cohort
from cragru.job import stage
from cragru.kept.files import read_parquet, read_record, write_json, write_parquet
from cragru.llm.collecting import vectors_cost
from cragru.llm.encoder import mean_cosines, read_vectors
from cragru.llm.reranking import SCORES, tie_rate
from cragru.retrieval.columns import CANDIDATES, SELECTION


def main(job):
    vectors, users = read_vectors(job.input.vectors), read_cohort(job.input.cohort)
    candidates = read_parquet(job.input.candidates, CANDIDATES).groupby("user")["item"]
    histories = read_parquet(job.input.selection, SELECTION).groupby("user")["item"]
    frames = []
    start = now()
    for user in users:
        # a user without a validation row has no validation list
        if user not in candidates.groups:
            continue
        shown = candidates.get_group(user).to_numpy()
        known = user in histories.groups
        history = histories.get_group(user).to_numpy() if known else np.empty(0, dtype=int)
        columns = {"user": user, "shown": range(1, len(shown) + 1), "item": shown}
        scores = mean_cosines(vectors, history, shown)
        frames.append(pd.DataFrame(columns | {"score": scores}))
    seconds = now() - start
    scores = pd.concat(frames, ignore_index=True).astype(SCORES)
    write_parquet(job.output.scores, scores, SCORES)
    needed = {"seconds_per_user": float, "cpu_seconds_per_user": float}
    filtered = read_record(job.input.selection_cost, needed)
    encoded = read_record(
        job.input.vectors_cost, {"seconds": float, "cpu_seconds": float, "tokens": int}
    )
    cost = vectors_cost(filtered, encoded, seconds, len(frames), tie_rate(scores))
    write_json(job.output.cost, cost)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.WEIGHS)
