"""Collect a cell's answers, and the lists that follow from them."""

from cragru.core.roles import Role
from cragru.job import stage
from cragru.kept.files import read_parquet, read_record, write_json, write_parquet
from cragru.llm.collecting import cell_cost, collect_scores, read_receipt, read_receipts
from cragru.llm.records import read_prompts
from cragru.llm.reranking import RERANKED, SCORES, rerank, tie_rate
from cragru.llm.store import AnswerStore
from cragru.retrieval.columns import CANDIDATES


def main(job):
    store = AnswerStore(job.params.store)
    records = read_prompts(job.input.prompts)
    keys = read_receipts(map(read_receipt, job.input.receipts), job.input.prompts)
    scores, answers = collect_scores(records, keys, store)
    write_parquet(job.output.scores, scores, SCORES)
    lists = rerank(scores, read_parquet(job.input.candidates, CANDIDATES), int(job.wildcards.seed))
    write_parquet(job.output.lists, lists, RERANKED)
    needed = {"seconds_per_user": float, "cpu_seconds_per_user": float}
    before = {
        "filter": read_record(job.input.selection_cost, needed),
        "prompt": read_record(job.input.prompts_cost, {**needed, "dropped": float}),
    }
    write_json(
        job.output.cost,
        cell_cost(before, answers, [store.cost(key) for key in keys], tie_rate(scores)),
    )
    return {"answers": store.checksums(keys)}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
