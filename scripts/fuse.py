"""Choose what an LLM's scores weigh beside the backbone's, on validation lists."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.parts import read_parts
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json
from cragru.llm.reranking import SCORES, scored_lists
from cragru.ranking.fusion import choose_weight
from cragru.retrieval.columns import CANDIDATES


def main(job):
    (judged,) = read_parts(Path(job.input.record).parent, ["valid"]).values()
    candidates = read_parquet(job.input.candidates, CANDIDATES)
    lists = scored_lists(read_parquet(job.input.scores, SCORES), candidates)
    relevant, counts = lists.is_relevant(judged)
    both = (lists.standardised(name) for name in ("backbone", "llm"))
    write_json(job.output.fusion, choose_weight(*both, relevant, counts).record())


if __name__ == "__main__":
    stage(snakemake, main, role=Role.WEIGHS)
