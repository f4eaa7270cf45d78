"""Prove that a cell's prompts hold nothing forgotten, or fail."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import read_all_parts
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json
from cragru.llm.building import read_library
from cragru.llm.forms import form_named
from cragru.llm.prompts import Template
from cragru.llm.proof import check_prompts
from cragru.llm.records import read_prompts


def main(job):
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    parts = read_all_parts(Path(job.input.record).parent, interactions)
    words = job.input.item_frame, job.input.user_frame, job.input.statistics
    lines = form_named(job.params.form).lines
    library = read_library(*words, job.params.show_ratings, job.params.natural_titles, lines)
    records, template = read_prompts(job.input.prompts), Template.read(job.input.template)
    counts = check_prompts(records, parts, interactions, library, template, job.input.prompts)
    write_json(job.output.checked, counts)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.PROVES)
