"""List where rows of a person are. What is listed names the person, so the screen alone has it, and no log."""

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
    for dataset in job.params.datasets:
        traces = list(Person(dataset, users[0]).traces(job.params.requests))
        for trace in traces:
            print(f"cragru: {trace.path}: {trace.rows} {trace.what}")
        print(f"cragru: {users[0]}, {dataset}: {len(traces)} files", flush=True)


if __name__ == "__main__":
    stage(snakemake, main)
