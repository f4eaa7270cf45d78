"""Take one request's rows out of the split that is in service."""

import logging
from pathlib import Path

import numpy as np

from cragru.core.errors import CragruError
from cragru.core.roles import Role
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import read_all_parts, read_parts, write_parts
from cragru.data.requests import Catalogue, read_request
from cragru.data.split import draw_user, take_rows, take_users
from cragru.job import stage
from cragru.kept.files import read_parquet
from cragru.plan.places import FORGOTTEN_PARTS, REMAINING_PARTS


def main(job):
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    parts = _read(job, interactions)
    rows = {name: part["row"].to_numpy() for name, part in parts.items()}
    divided = np.concatenate(list(rows.values()))
    if job.params.number is not None:
        users = interactions["user"].to_numpy()
        seed = int(job.wildcards.seed)
        leaving = draw_user(users[rows["train"]], job.params.number, seed)
        rows = take_users(rows, users, leaving)
    else:
        users, items = (
            read_parquet(job.input.user_frame, USERS),
            read_parquet(job.input.item_frame, ITEMS),
        )
        asked = read_request(job.input.file, Catalogue(interactions, users, items))
        rows = take_rows(rows, asked)
        _check_left(job, len(asked), sum(len(rows[name]) for name in FORGOTTEN_PARTS))
    write_parts(Path(job.output.record).parent, rows, interactions, divided)


def _read(job, interactions):
    """Read what is divided; the forgotten parts of the request before may have been purged."""
    folder = Path(job.input.record).parent
    if job.params.previous is None:
        return read_all_parts(folder, interactions)
    return read_parts(folder, REMAINING_PARTS)


def _check_left(job, asked, taken):
    """Refuse a request for rows that no part has any more; count those of them that it asks for."""
    if not taken:
        raise CragruError(
            "no row that it asks for is left: earlier requests removed it, or the split leaves it out",
            place=job.input.file,
            advice="leave it out of requests.files",
        )
    if taken < asked:
        log = logging.getLogger("cragru")
        log.info("%d of its %d rows were in no part of the split before it", asked - taken, asked)


if __name__ == "__main__":
    stage(snakemake, main, role=Role.DIVIDES)
