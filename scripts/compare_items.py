"""Score a cohort's candidates by the cosines of an LLM's vectors to those of the history."""

from cragru.core.clock import now
from cragru.core.roles import Role
from cragru.data.cohort import read_cohort
from cragru.job import stage
from cragru.kept.files import read_parquet, read_record, write_json, write_parquet
from cragru.llm.collecting import vectors_cost
from cragru.llm.encoder import read_vectors
from cragru.llm.reranking import SCORES, tie_rate
from cragru.ranking.cosines import mean_cosines
from cragru.retrieval.columns import CANDIDATES, SELECTION


def main(job):
    vectors, cohort = read_vectors(job.input.vectors), read_cohort(job.input.cohort)
    candidates = read_parquet(job.input.candidates, CANDIDATES)
    # a user without a validation row has no validation list
    has_list = set(candidates["user"])
    users = [user for user in cohort if user in has_list]
    listed = candidates.set_index("user").loc[users].reset_index()
    histories = read_parquet(job.input.selection, SELECTION)
    start = now()
    scores = mean_cosines(vectors, listed, histories)
    seconds = now() - start
    shown = listed.groupby("user").cumcount() + 1
    scores = listed[["user", "item"]].assign(shown=shown, score=scores)[[*SCORES]].astype(SCORES)
    write_parquet(job.output.scores, scores, SCORES)
    needed = {"seconds_per_user": float, "cpu_seconds_per_user": float}
    filtered = read_record(job.input.selection_cost, needed)
    encoded = read_record(
        job.input.vectors_cost, {"seconds": float, "cpu_seconds": float, "tokens": int}
    )
    cost = vectors_cost(filtered, encoded, seconds, len(users), tie_rate(scores))
    write_json(job.output.cost, cost)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.WEIGHS)
