"""Delete what holds forgotten rows or was trained on them."""

import logging
import os

from cragru.audit.commitment import read_key
from cragru.audit.purging import purge
from cragru.audit.verification import find_certificates, missing_certificates
from cragru.core.errors import CragruError, Problem
from cragru.job import stage
from cragru.plan.places import RESULTS


def main(job):
    missing = list(missing_certificates(job.params.wanted))
    if missing:
        raise CragruError.of([*missing, Problem("nothing was deleted")])
    log = logging.getLogger("cragru")
    deleted = purge(find_certificates(job.params.certificates), read_key(RESULTS, os.environ))
    for path in deleted:
        log.info("purged %s", path)
    log.info(
        "%d files purged; purged.json beside each certificate lists what remains", len(deleted)
    )


if __name__ == "__main__":
    stage(snakemake, main)
