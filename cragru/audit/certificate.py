"""The certificate of a request: sealed JSON that follows from the files alone, so that the same give equal bytes."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from cragru.audit.checks import all_checks
from cragru.audit.commitment import SCHEME, Key
from cragru.audit.guarantees import BEFORE, DATA, guarantee_of
from cragru.audit.limits import not_guaranteed, remains
from cragru.audit.provenance import Job, Provenance
from cragru.audit.request import Request
from cragru.core.errors import CragruError
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import read_all_parts
from cragru.kept.files import read_parquet
from cragru.plan import places
from cragru.plan.places import FORGET, FORGOTTEN_PARTS, HELD_OUT, place, split_files

FORMAT = 2
Certificate = dict[str, Any]


def build_certificate(
    request: Request, manifests: Iterable[str], guarantees: dict[str, str], key: Key
) -> Certificate:
    """Build the certificate of a request, with the working directory above `results/`.

    Args:
        request: The request.
        manifests: The manifests of everything that it speaks of.
        guarantees: What each method guarantees: `exact`, `exact given the partition` or `approximate`.
        key: The key of the commitments.

    Returns:
        Plain JSON, sealed; without a user, an item, a clock, or a path from outside the working directory's tree.

    Raises:
        CragruError: If a check fails, or a file is not the one that its manifest speaks of.
    """
    provenance = Provenance(manifests)
    for path in (split_files(request.folder)["record"], request.interactions, *_id_files(request)):
        provenance.sha256(path)
    parts = read_all_parts(request.split, read_parquet(request.interactions, INTERACTIONS))
    checks, not_checked = all_checks(request, provenance, parts, guarantees)
    artifacts = [_artifact(request, provenance, job, guarantees, key) for job in provenance.jobs]
    body = {
        "format": FORMAT,
        "request": request._asdict(),
        "guarantees": guarantees,
        "commitment": _commitment(request, parts, key),
        "artifacts": artifacts,
        "checks": checks,
        "not_checked": not_checked,
        "not_guaranteed": not_guaranteed(request, provenance, artifacts, checks),
        "remains": remains(request, artifacts),
        "files": {path: key.of_file(path, checksum) for path, checksum in provenance.files.items()},
    }
    return key.sealed(body)


def as_text(certificate: Certificate) -> str:
    """The certificate's bytes, as `cragru.kept.files.write_json` writes them."""
    return json.dumps(certificate, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def manifests_of(certificate: Certificate) -> list[str]:
    """The manifests that a certificate was built from."""
    return [artifact["manifest"] for artifact in certificate["artifacts"]]


def _id_files(request: Request) -> list[str]:
    return [place(file, dataset=request.dataset) for file in (places.USERS, places.ITEMS)]


def _commitment(request: Request, parts: dict[str, pd.DataFrame], key: Key) -> dict[str, Any]:
    """One HMAC for each row that is gone, in the order of the HMACs: not even the order of the rows is told."""
    user_file, item_file = _id_files(request)
    users = read_parquet(user_file, USERS)["raw_id"].to_numpy()
    items = read_parquet(item_file, ITEMS)["raw_id"].to_numpy()
    removed = {}
    for name in FORGOTTEN_PARTS:
        part = parts[name]
        rows = zip(
            users[part["user"]], items[part["item"]], part["timestamp"].tolist(), strict=True
        )
        removed[name] = sorted(key.commit("interaction", *request, name, *row) for row in rows)
    if not any(removed.values()):
        raise CragruError(f"{request.split}: nothing was forgotten, so there is nothing to certify")
    gone = pd.concat([parts[name] for name in FORGOTTEN_PARTS])
    return {
        "scheme": SCHEME,
        "key": key.fingerprint,
        "of": "dataset, protocol, seed, request, part, the publisher's user and item ids, timestamp",
        "interactions": len(removed[FORGET]),
        "held_out_interactions": len(removed[HELD_OUT]),
        "users": int(gone["user"].nunique()),
        "digest": key.commit("interactions", removed),
        "removed": removed,
    }


def _artifact(
    request: Request, provenance: Provenance, job: Job, guarantees: dict[str, str], key: Key
) -> dict[str, Any]:
    """What one job made, from what, and what is claimed of it."""
    behind = provenance.behind(job, request.is_boundary)
    guarantee = guarantee_of(request, job, guarantees)
    return {
        "manifest": job.manifest,
        "rule": job.rule,
        "role": job.role,
        "guarantee": guarantee,
        "built_after_the_request": guarantee == DATA
        or (guarantee != BEFORE and _reads_split(request, behind)),
        "outputs": {path: key.of_file(path, job.outputs[path]) for path in sorted(job.outputs)},
        "inputs": {path: key.of_file(path, job.inputs[path]) for path in sorted(job.inputs)},
        "derives_from_forgotten": [path for path in behind if request.holds_forgotten(path)],
    }


def _reads_split(request: Request, paths: list[str]) -> bool:
    return any(path.startswith(f"{request.split}/") for path in paths)
