"""Delete what holds forgotten rows or was trained on them."""

import logging
import os

from cragru.audit.commitment import read_key
from cragru.audit.purging import purge
from cragru.audit.verification import find_certificates, missing_certificates
from cragru.core.errors import CragruError
from cragru.job import stage
from cragru.plan.places import RESULTS


def main(job):
    wanted = job.params.wanted
    found = find_certificates(job.params.certificates, wanted)
    missing = missing_certificates(wanted)
    if missing:
        raise CragruError(f"{'; '.join(missing)}. Nothing was deleted")
    deleted = purge(found, read_key(RESULTS, os.environ))
    for path in deleted:
        logging.getLogger("cragru").info("purged %s", path)
    logging.getLogger("cragru").info(
        "%d files purged; purged.json beside each certificate lists what remains", len(deleted)
    )


if __name__ == "__main__":
    stage(snakemake, main)
