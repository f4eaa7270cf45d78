"""Read every deletion request and refuse what cannot be served, before anything is trained."""

from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.requests import Catalogue, read_request
from cragru.data.split import require_rest
from cragru.job import stage
from cragru.kept.files import read_parquet, sha256, write_json


def main(job):
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    catalogue = Catalogue(
        interactions,
        read_parquet(job.input.user_frame, USERS),
        read_parquet(job.input.item_frame, ITEMS),
    )
    checked = {}
    for path in job.params.requests:
        rows = len(read_request(path, catalogue))
        require_rest(len(interactions) - rows, path)
        checked[path] = {"rows": rows, "sha256": sha256(path)}
    write_json(job.output.checked, checked)


if __name__ == "__main__":
    stage(snakemake, main)
