"""The certificate of a request: sealed JSON that follows from the files and its date alone."""

import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from cragru.audit.checks import all_checks, forgotten_rows
from cragru.audit.commitment import SCHEME, Key
from cragru.audit.guarantees import BEFORE, DATA, Claim, claims_of
from cragru.audit.limits import not_guaranteed, remains
from cragru.audit.provenance import Provenance
from cragru.audit.request import Places, is_unlearned
from cragru.core.errors import CragruError
from cragru.core.request import Request
from cragru.core.roles import Role
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import read_all_parts, rows_left_out
from cragru.kept.files import read_parquet
from cragru.plan.places import FORGET, FORGOTTEN_PARTS, HELD_OUT

FORMAT = 3
NO_MODEL = "name methods, and serve it: `snakemake --cores all requests`"  # an advice
Certificate = dict[str, Any]


def build_certificate(
    request: Request,
    manifests: Iterable[str],
    guarantees: dict[str, str],
    key: Key,
    date: str,
    purged: Collection[str] = (),
) -> Certificate:
    """Build the certificate of a request, with the working directory above `results/`.

    Args:
        request: The request.
        manifests: The manifests of everything that it speaks of.
        guarantees: What each method guarantees: `exact`, `exact given the partition` or `approximate`.
        key: The key of the commitments.
        date: When it is certified: ISO 8601, UTC.
        purged: Files that may be gone, of earlier requests.

    Returns:
        Plain JSON, sealed; without a user, an item, or a path from outside the working directory's tree.

    Raises:
        CragruError: If a check fails, there is no model, or a file is not the one that its manifest speaks of.
    """
    provenance = Provenance(manifests, purged)
    places = Places(request, _previous(request, provenance))
    for path in (
        places.record,
        places.deployed_record,
        places.interactions,
        places.users,
        places.items,
    ):
        provenance.sha256(path)
    interactions = read_parquet(places.interactions, INTERACTIONS)
    parts = read_all_parts(places.split, interactions)
    divided = sum(map(len, parts.values()))
    left_out = rows_left_out(Path(places.deployed_record).parent)
    if places.previous is None and divided + left_out != len(interactions):
        raise CragruError("not all prepared rows", place=places.split, got=divided)
    claims = claims_of(places, provenance, guarantees)
    checks, not_checked = all_checks(places, provenance, parts, claims)
    body = {
        "format": FORMAT,
        "date": date,
        "request": request._asdict(),
        "state": {"before": places.before, "after": places.folder},
        "models": _models(places, claims),
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


def now() -> str:
    """Return the time, as certificates and records of purges have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_text(certificate: Certificate) -> str:
    """Return the certificate's text, as `cragru.kept.files.write_json` writes it."""
    return json.dumps(certificate, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def manifests_of(certificate: Certificate) -> list[str]:
    """Return the manifests that a certificate was built from."""
    return [artifact["manifest"] for artifact in certificate["artifacts"]]


def _previous(request: Request, provenance: Provenance) -> str | None:
    """Return the request whose leavings a request starts from, as the job recorded that took its rows out."""
    for job in provenance.jobs:
        if job.role is Role.DIVIDES and job.wildcards.get("request") == request.request:
            return job.params.get("previous")
    return None


def _models(places: Places, claims: list[Claim]) -> dict[str, str]:
    """Return what each model after the request guarantees, by its file; CRAGRU has lists, and no model of its own."""
    served = (Role.UNLEARNS, Role.RERANKS, Role.WEIGHS)
    made = [claim for claim in claims if claim.job.role in served and claim.guarantee != BEFORE]
    if not made:
        raise CragruError("no model to certify", place=places.folder, advice=NO_MODEL)
    found: dict[str, str] = {}
    for claim in made:
        found |= dict.fromkeys(filter(is_unlearned, claim.job.outputs), claim.guarantee)
    return found


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
