"""Certify a deletion request: what was removed, what was built after it, what was checked, what remains."""

import os
from pathlib import Path

from cragru.audit.certificate import build_certificate
from cragru.audit.commitment import read_key
from cragru.core.request import Request
from cragru.job import stage
from cragru.kept.files import write_json
from cragru.plan.places import PURGED_FILE, RESULTS


def main(job):
    key = read_key(RESULTS, os.environ, make=True)
    certificate = build_certificate(
        Request.of(job.wildcards), job.input.manifests, job.params.guarantees, key
    )
    Path(job.output.certificate).with_name(PURGED_FILE).unlink(
        missing_ok=True
    )  # it was of another certificate
    write_json(job.output.certificate, certificate)


if __name__ == "__main__":
    stage(snakemake, main, has_record=True)  # a certificate is sealed
