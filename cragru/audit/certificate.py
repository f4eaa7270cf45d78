"""The certificate of a request: sealed JSON that follows from the files alone, so that the same give equal bytes."""

import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from cragru.audit.checks import all_checks, forgotten_rows
from cragru.audit.commitment import SCHEME, Key
from cragru.audit.guarantees import BEFORE, DATA, Claim, claims_of
from cragru.audit.limits import not_guaranteed, remains
from cragru.audit.provenance import Provenance
from cragru.audit.request import Places
from cragru.core.errors import CragruError
from cragru.core.request import Request
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import read_all_parts
from cragru.kept.files import read_parquet
from cragru.plan.places import FORGET, FORGOTTEN_PARTS, HELD_OUT

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
    places, provenance = Places(request), Provenance(manifests)
    for path in (places.record, places.interactions, places.users, places.items):
        provenance.sha256(path)
    parts = read_all_parts(places.split, read_parquet(places.interactions, INTERACTIONS))
    claims = claims_of(places, provenance, guarantees)
    checks, not_checked = all_checks(places, provenance, parts, claims)
    body = {
        "format": FORMAT,
        "request": request._asdict(),
        "guarantees": guarantees,
        "commitment": _commitment(places, parts, key),
        "artifacts": [_artifact(places, claim, key) for claim in claims],
        "checks": checks,
        "not_checked": not_checked,
        "not_guaranteed": list(not_guaranteed(places, claims, checks)),
        "remains": remains(places, claims),
        "files": key.of_files(provenance.files),
    }
    return key.sealed(body)


def as_text(certificate: Certificate) -> str:
    """Return the certificate's text, as `cragru.kept.files.write_json` writes it."""
    return json.dumps(certificate, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def manifests_of(certificate: Certificate) -> list[str]:
    """Return the manifests that a certificate was built from."""
    return [artifact["manifest"] for artifact in certificate["artifacts"]]


def _commitment(places: Places, parts: dict[str, pd.DataFrame], key: Key) -> dict[str, Any]:
    """Return one HMAC for each row that is gone, sorted: not even the order of the rows is told."""
    users = read_parquet(places.users, USERS)["raw_id"].to_numpy()
    items = read_parquet(places.items, ITEMS)["raw_id"].to_numpy()
    removed: dict[str, list[str]] = {}
    for name in FORGOTTEN_PARTS:
        part = parts[name]
        columns = (users[part["user"]], items[part["item"]], part["timestamp"].tolist())
        rows = zip(*columns, strict=True)
        removed[name] = sorted(
            key.commit("interaction", *places.request, name, *row) for row in rows
        )
    if not any(removed.values()):
        raise CragruError("nothing was forgotten: nothing to certify", place=places.split)
    return {
        "scheme": SCHEME,
        "key": key.fingerprint,
        "of": "dataset, protocol, seed, request, part, the publisher's user and item ids, timestamp",
        "interactions": len(removed[FORGET]),
        "held_out_interactions": len(removed[HELD_OUT]),
        "users": int(forgotten_rows(parts)["user"].nunique()),
        "digest": key.commit("interactions", removed),
        "removed": removed,
    }


def _artifact(places: Places, claim: Claim, key: Key) -> dict[str, Any]:
    """Return what one job made, from what, and what is claimed of it."""
    job = claim.job
    reads_split = any(path.startswith(f"{places.split}/") for path in claim.behind)
    is_after = claim.guarantee == DATA or (claim.guarantee != BEFORE and reads_split)
    return {
        "manifest": job.manifest,
        "rule": job.rule,
        "role": job.role,
        "guarantee": claim.guarantee,
        "built_after_the_request": is_after,
        "outputs": key.of_files(job.outputs),
        "inputs": key.of_files(job.inputs),
        "derives_from_forgotten": claim.forgotten,
    }
