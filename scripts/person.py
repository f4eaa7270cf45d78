"""List where rows of a person are."""

import logging

from cragru.audit.person import Person
from cragru.core.errors import CragruError
from cragru.job import stage


def main(job):
    users = job.params.users
    if not users:
        raise CragruError(
            "of which user?",
            place="person",
            advice="name one by the publisher's id: `snakemake --cores 1 person 196`",
        )
    log = logging.getLogger("cragru")
    for dataset in job.params.datasets:
        person, files = Person(dataset, users[0]), 0
        for trace in person.traces(job.params.requests):
            log.info("%s: %d %s", trace.path, trace.rows, trace.what)
            files += 1
        log.info("user %s of %s is in %d files", users[0], dataset, files)


if __name__ == "__main__":
    stage(snakemake, main)
