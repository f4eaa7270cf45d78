"""Collect a cell's scores from what an LLM answered, and what they cost."""

from cragru.core.roles import Role
from cragru.job import stage
from cragru.kept.files import read_record, write_json, write_parquet
from cragru.llm.collecting import cell_cost, collect_scores, read_receipt, read_receipts
from cragru.llm.forms import form_named
from cragru.llm.records import read_prompts
from cragru.llm.reranking import SCORES, tie_rate
from cragru.llm.store import AnswerStore


def main(job):
    store, form = AnswerStore(job.params.store), form_named(job.wildcards.form)
    records = read_prompts(job.input.prompts)
    keys = read_receipts(map(read_receipt, job.input.receipts), job.input.prompts)
    scores, answers = collect_scores(records, keys, store, form)
    write_parquet(job.output.scores, scores, SCORES)
    needed = {"seconds_per_user": float, "cpu_seconds_per_user": float}
    before = {
        "filter": read_record(job.input.selection_cost, needed),
        "prompt": read_record(job.input.prompts_cost, {**needed, "dropped": float}),
    }
    costs, users = [store.cost(key) for key in keys], scores["user"].nunique()
    write_json(job.output.cost, cell_cost(before, answers, costs, tie_rate(scores), users))
    return {"answers": store.checksums(keys)}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
