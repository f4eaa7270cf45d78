"""Draw the users whom an LLM scores."""

from pathlib import Path

from cragru.core.errors import CragruError
from cragru.data.cohort import draw_cohort
from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage
from cragru.kept.files import write_json


def main(job):
    parts = read_parts(Path(job.input.record).parent, ["forget", "test"])
    forget = parts["forget"] if job.params.forgotten_only else None
    users, _ = read_sizes(job.input.statistics)
    drawn = draw_cohort(job.wildcards.dataset, users, parts["test"], forget, job.params.size)
    if not drawn["users"]:
        place = f"cohort {job.wildcards.cohort}"
        raise CragruError("no user has test rows and, where asked, forgotten ones", place=place)
    write_json(job.output.cohort, drawn)


if __name__ == "__main__":
    stage(snakemake, main)
