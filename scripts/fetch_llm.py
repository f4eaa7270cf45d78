"""Bring a language model into a folder that vLLM can serve."""

from cragru.config.base import parse
from cragru.config.llms import LlmSource
from cragru.job import stage
from cragru.llm.fetching import fetch_model


def main(job):
    entry = parse(LlmSource, job.params.entry, "llms.yaml")
    return {"files": fetch_model(entry.source, job.output.folder)}


if __name__ == "__main__":
    stage(snakemake, main)
