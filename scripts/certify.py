"""Certify a deletion request: what was removed, what was built after it, what was checked, what remains."""

import os

from cragru.audit.certificate import build_certificate, now
from cragru.audit.commitment import read_key
from cragru.audit.page import write_page
from cragru.core.request import Request
from cragru.job import stage
from cragru.kept.files import write_json
from cragru.plan.places import RESULTS
from cragru.plan.purged import Purged


def main(job):
    key = read_key(RESULTS, os.environ, make=True)
    request, manifests = Request.of(job.wildcards), job.input.manifests
    gone = Purged().records
    certificate = build_certificate(request, manifests, job.params.guarantees, key, now(), gone)
    write_json(job.output.certificate, certificate)
    write_page(job.output.page, certificate, None)


if __name__ == "__main__":
    stage(snakemake, main, has_record=True)  # a certificate is sealed
