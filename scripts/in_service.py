"""List the run's own deletion requests, and what serves after them."""

from cragru.audit.service import in_service, service_page
from cragru.job import stage
from cragru.kept.files import read_json, write_json, write_text


def main(job):
    certificates = {path: read_json(path) for path in job.input.certificates}
    states = in_service(certificates, job.params.in_turn)
    write_json(job.output.json, states)
    write_text(job.output.md, service_page(job.wildcards.run, states))


if __name__ == "__main__":
    stage(snakemake, main)
