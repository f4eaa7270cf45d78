"""Have the prompts of a batch of cells answered: this job's share of their chunks."""

from cragru.config.base import parse
from cragru.config.llms import LlmService
from cragru.job import stage
from cragru.kept.files import write_json
from cragru.llm.engines import model_files, open_engine
from cragru.llm.forms import form_named
from cragru.llm.records import read_prompts
from cragru.llm.scoring import cut_chunks, score_chunks, share_of
from cragru.llm.store import AnswerStore


def main(job):
    entry, form = parse(LlmService, job.params.entry, "llms.yaml"), form_named(job.params.form)
    cells = {path: read_prompts(path) for path in job.input.prompts}
    share, shares = int(job.wildcards.share), int(job.wildcards.shares)
    chunks = share_of(cut_chunks(cells, job.params.chunk, form), share, shares)
    files = model_files(job.input.manifest)
    engine = open_engine(entry, job.input.model, files, job.threads, job.params.engine)
    store = AnswerStore(job.params.store)
    receipt = score_chunks(chunks, engine, store)
    write_json(job.output.receipt, receipt)
    return {"stripped": store.stripped({key for own in receipt.values() for key in own.values()})}


if __name__ == "__main__":  # vLLM may start processes that import this file anew
    stage(snakemake, main)
