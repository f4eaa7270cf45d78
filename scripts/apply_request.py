"""Take one request's rows out of a deployed split."""

from pathlib import Path

from cragru.core.roles import Role
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import read_all_parts, write_parts
from cragru.data.requests import Catalogue, read_request
from cragru.data.split import draw_user, take_rows, take_users
from cragru.job import stage
from cragru.kept.files import read_parquet


def main(job):
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    parts = read_all_parts(Path(job.input.record).parent, interactions)
    rows = {name: part["row"].to_numpy() for name, part in parts.items()}
    if job.params.number is not None:
        users = interactions["user"].to_numpy()
        leaving = draw_user(users, job.params.number, int(job.wildcards.seed))
        rows = take_users(rows, users, leaving)
    else:
        users, items = (
            read_parquet(job.input.user_frame, USERS),
            read_parquet(job.input.item_frame, ITEMS),
        )
        rows = take_rows(rows, read_request(job.input.file, Catalogue(interactions, users, items)))
    write_parts(Path(job.output.record).parent, rows, interactions)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DIVIDES)
