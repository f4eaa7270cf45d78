"""Write a run as an RO-Crate."""

from cragru.job import stage
from cragru.reporting.made import made_behind
from cragru.reporting.package import with_manifests, write_package


def main(job):
    files = with_manifests(job.input.shown)
    made = made_behind(job.input.shown)
    sources, settings = list(job.input.sources), job.params.settings
    write_package(job.output.package, job.wildcards.run, files, sources, settings, made)


if __name__ == "__main__":
    stage(snakemake, main)
