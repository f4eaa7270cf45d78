"""Sum up what CRAGRU took to serve a deletion request."""

from cragru.core.roles import Role
from cragru.job import stage
from cragru.kept.files import read_record, write_json
from cragru.llm.collecting import collect_scores, read_receipt, read_receipts, request_cost
from cragru.llm.records import read_prompts
from cragru.llm.store import AnswerStore


def main(job):
    store = AnswerStore(job.params.store)
    keys = read_receipts([read_receipt(job.input.receipt)], job.input.prompts)
    _, answers = collect_scores(read_prompts(job.input.prompts), keys, store)
    stages = [dict[str, float]]
    before = read_record(job.input.prompts_cost, {"seconds": stages, "cpu_seconds": stages})
    write_json(job.output.cost, request_cost(before, answers, [store.cost(key) for key in keys]))
    return {"answers": store.checksums(keys)}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
