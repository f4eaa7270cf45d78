"""Verify the certificates of a run against the files."""

import logging
import os

from cragru.audit.commitment import read_key
from cragru.audit.verification import Verifier, find_certificates
from cragru.plan.places import RESULTS
from cragru.smk import stage


def main(job):
    found = find_certificates(job.params.certificates)
    verifier = Verifier(read_key(RESULTS, os.environ))
    for path in found:
        verifier.verify(path)
    for line in verifier.verified:
        logging.getLogger("cragru").info("verified %s", line)
    verifier.report()


if __name__ == "__main__":
    stage(snakemake, main)
