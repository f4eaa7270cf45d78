"""Read every deletion request and refuse what cannot be served, before anything is trained."""

from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.requests import Catalogue, read_request
from cragru.io import read_parquet, sha256, write_json
from cragru.smk import stage


def main(job):
    catalogue = Catalogue(
        read_parquet(job.input.interactions, INTERACTIONS),
        read_parquet(job.input.user_frame, USERS),
        read_parquet(job.input.item_frame, ITEMS),
    )
    checked = {
        path: {"rows": len(read_request(path, catalogue)), "sha256": sha256(path)}
        for path in job.params.requests
    }
    write_json(job.output.checked, checked)


if __name__ == "__main__":
    stage(snakemake, main)
