"""Rows that were purged and are back: no split that serves after a request may hold one of its rows."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cragru.audit.commitment import Key
from cragru.audit.request import Places
from cragru.core.errors import Problem
from cragru.core.request import Request
from cragru.data.frames import ITEMS, USERS
from cragru.data.parts import SCHEMA
from cragru.kept.files import read_parquet
from cragru.plan.places import FORGOTTEN_PARTS, PARTS, part_file

Certificate = dict[str, Any]
ADVICE = "delete the split's folder and what was made from it, and serve the later requests again"


def returned_rows(
    certificate: Certificate, others: Iterable[Certificate], key: Key
) -> Iterator[Problem]:
    """Yield each part of a split with rows that a certificate commits to, in what serves after its request.

    Args:
        certificate: Of a request whose files were purged.
        others: The certificates of the run: those of requests that started from what this one left.
        key: The key of the commitments.
    """
    request = Request.of(certificate["request"])
    places, removed = Places(request), set[str]()
    for commitments in certificate["commitment"]["removed"].values():
        removed.update(commitments)
    users = read_parquet(places.users, USERS)["raw_id"].to_numpy()
    items = read_parquet(places.items, ITEMS)["raw_id"].to_numpy()
    for folder in _later(certificate, others):
        for path in filter(Path.exists, (Path(part_file(folder, name)) for name in PARTS)):
            part = read_parquet(path, SCHEMA)
            columns = (users[part["user"]], items[part["item"]], part["timestamp"].tolist())
            found = 0
            for row in zip(*columns, strict=True):
                names = (
                    key.commit("interaction", *request, name, *row) for name in FORGOTTEN_PARTS
                )
                found += any(commitment in removed for commitment in names)
            if found:
                what = (
                    f"rows are back that request {request.request or request.protocol} had purged"
                )
                yield Problem(what, place=path.as_posix(), got=found, advice=ADVICE)


def _later(certificate: Certificate, others: Iterable[Certificate]) -> list[str]:
    """Return the folders of what a request left, and of every state that started from it."""
    started = {one["state"]["after"]: one["state"]["before"] for one in others}
    found = [certificate["state"]["after"]]
    for state in found:  # grows while it is walked
        found += [after for after, before in started.items() if before == state != after]
    return found
