"""Let purges go: what they deleted may be made again."""

import logging
import os

from cragru.audit.commitment import read_key
from cragru.audit.purging import restore
from cragru.audit.verification import find_certificates
from cragru.core.errors import CragruError
from cragru.job import stage
from cragru.plan.places import RESULTS


def main(job):
    found = find_certificates(job.params.certificates)
    records = restore(found, read_key(RESULTS, os.environ)) if found else []
    if not records:
        raise CragruError("nothing was purged", place=job.params.certificates)
    for record in records:
        logging.getLogger("cragru").info("the purge that %s records is let go", record)


if __name__ == "__main__":
    stage(snakemake, main)
