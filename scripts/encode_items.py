"""Encode the items of a catalogue with an LLM; no interaction is read."""

from safetensors.torch import save_file

from cragru.config.base import parse
from cragru.config.llms import LlmService
from cragru.core.clock import now
from cragru.core.roles import Role
from cragru.data.frames import ITEMS
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json
from cragru.llm.building import movies_of
from cragru.llm.encoder import encode, item_text
from cragru.llm.engines import check_model, for_this_machine, model_files


def main(job):
    entry = for_this_machine(parse(LlmService, job.params.entry, "llms.yaml"))
    check_model(job.input.model, model_files(job.input.manifest))
    movies = movies_of(read_parquet(job.input.item_frame, ITEMS), natural_titles=True)
    start = now()
    vectors, tokens = encode(job.input.model, list(map(item_text, movies)), entry.engine.dtype)
    seconds = now() - start
    save_file({"vectors": vectors}, job.output.vectors)
    cost = {"seconds": seconds.wall, "cpu_seconds": seconds.cpu, "tokens": tokens}
    write_json(job.output.cost, cost)
    return {"dtype": entry.engine.dtype}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.PREPARES)
