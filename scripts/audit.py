"""Verify the certificates of a run against the files, and everything behind its tables and figures."""

import os

from cragru.audit.behind import shown_files
from cragru.audit.commitment import read_key
from cragru.audit.verification import Verifier, find_certificates, missing_certificates
from cragru.core.errors import CragruError
from cragru.job import stage
from cragru.plan.places import RESULTS
from cragru.plan.purged import Purged


def main(job):
    found = find_certificates(job.params.certificates)
    shown = shown_files(job.params.run, job.params.shown)
    if not found and not shown:
        raise CragruError(
            "nothing was made yet", place=job.params.run, advice="run the workflow first"
        )
    verifier = Verifier(read_key(RESULTS, os.environ) if found else None, Purged().records)
    for path in found:
        verifier.verify(path)
    verifier.verify_gone()
    verifier.fail(missing_certificates(job.params.wanted))
    verifier.verify_behind(shown)
    verifier.report()


if __name__ == "__main__":
    stage(snakemake, main)
