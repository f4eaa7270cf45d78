"""Order a cell's candidates by their scores, or by these and the backbone's, with the controls that need no more."""

from cragru.core.roles import Role
from cragru.job import stage
from cragru.kept.files import read_parquet, read_record, write_parquet
from cragru.llm.reranking import RERANKED, SCORES, fused_scores, rerank
from cragru.retrieval.columns import CANDIDATES


def main(job):
    scores, candidates = (
        read_parquet(job.input.scores, SCORES),
        read_parquet(job.input.candidates, CANDIDATES),
    )
    if job.input.fusion:
        weight = read_record(job.input.fusion[0], {"weight": float})["weight"]
        scores = fused_scores(scores, candidates, weight)
    lists = rerank(scores, candidates, int(job.wildcards.seed))
    write_parquet(job.output.lists, lists, RERANKED)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
