"""What a certificate vouches for: each check ends in a record of what was looked at, or in an error."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import pandas as pd

from cragru.audit.guarantees import guarantee_of
from cragru.audit.provenance import Job, Provenance
from cragru.audit.request import Request
from cragru.core.errors import CragruError
from cragru.core.guarantees import APPROXIMATE, EXACT, PARTITIONED, RANDOM_PARTITION
from cragru.core.roles import Role
from cragru.llm.counts import read_counts
from cragru.plan.places import FORGOTTEN_PARTS, PARTS, PROMPTS, PROOF, REMAINING_PARTS, SHARD

Parts = dict[str, pd.DataFrame]
Record = dict[str, Any]


def check_split(request: Request, parts: Parts) -> Record:
    """Check that no part that remains has a forgotten row or a forgotten pair of user and item.

    Args:
        request: The request.
        parts: All parts of its split, by name.

    Raises:
        CragruError: If one has.
    """
    forgotten = pd.concat([parts[name] for name in FORGOTTEN_PARTS])
    rows, pairs = set(forgotten["row"]), _pairs(forgotten)
    for name in REMAINING_PARTS:
        leaked = len(rows & set(parts[name]["row"])) + len(pairs & _pairs(parts[name]))
        if leaked:
            raise CragruError(
                f"{request.part(name)}: has forgotten rows or pairs ({leaked}); delete the split's folder"
            )
    return {
        "check": "no part of the split that remains has a forgotten row or pair",
        "looked_at": [request.part(name) for name in PARTS],
        "rows": {name: len(part) for name, part in parts.items()},
        "forgotten_found": 0,
        "passed": True,
    }


def check_exact(
    request: Request, provenance: Provenance, job: Job, guarantees: dict[str, str]
) -> Record | None:
    """Check that a method that claims to be exact was given nothing forgotten.

    Its graph and its masks of negative samples are made of the rows that it reads, so what holds for these holds for
    them; that these rows have no forgotten pair is `check_split`.

    Args:
        request: The request.
        provenance: What was made from what.
        job: The method's job.
        guarantees: What each method guarantees.

    Returns:
        The record, or None where the method is approximate.

    Raises:
        CragruError: If something forgotten, the original model, or a file of unknown origin is behind the model.
    """
    guarantee = guarantee_of(request, job, guarantees)
    if guarantee not in (EXACT, PARTITIONED):
        return None
    behind = provenance.behind(
        job, lambda path: request.is_boundary(path) or _is_from_before(request, path)
    )
    partitions = [path for path in behind if request.is_partition(path)]
    for path in behind:
        known = (
            request.is_boundary(path) or _is_from_before(request, path) or provenance.maker(path)
        )
        if request.holds_forgotten(path) or not known:
            what = (
                "holds forgotten rows or was trained on them"
                if known
                else "has no manifest that says its origin"
            )
            raise CragruError(
                f"{job.manifest}: {job.wildcards['method']} claims to be {guarantee}, but read {path}: it {what}"
            )
    made = [provenance.maker(path) for path in partitions]
    if None in made or (
        guarantee == EXACT and any(cut.params["module"] != RANDOM_PARTITION for cut in made)
    ):
        raise CragruError(
            f"{job.manifest}: claims to be {guarantee}, but its partition is not known to be random"
        )
    return {
        "check": "an exact method read no forgotten row, so neither its graph nor its negative masks hold one",
        "model": _model(request, job),
        "guarantee": guarantee,
        "looked_at": [job.manifest, *behind],
        "partition_was_made_from": sorted({path for cut in made for path in cut.inputs}),
        "forgotten_found": 0,
        "passed": True,
    }


def look_at_approximate(
    request: Request, provenance: Provenance, job: Job, guarantees: dict[str, str]
) -> Record | None:
    """Look at a method that claims no more than to be approximate.

    Args:
        request: The request.
        provenance: What was made from what.
        job: The method's job.
        guarantees: What each method guarantees.

    Returns:
        The record, which has no verdict, or None where the method is exact.
    """
    guarantee = guarantee_of(request, job, guarantees)
    if guarantee != APPROXIMATE:
        return None
    behind = provenance.behind(job, request.is_boundary)
    return {
        "model": _model(request, job),
        "guarantee": guarantee,
        "why": "no check tells whether an approximate method has left a trace of the forgotten rows",
        "looked_at": [job.manifest],
        "derives_from_forgotten": [path for path in behind if request.holds_forgotten(path)],
    }


def check_shards(request: Request, job: Job, parts: Parts) -> Record | None:
    """Check that shards that serve on unchanged had no forgotten row, and that none is left in the partition.

    Args:
        request: The request.
        job: The job of a method with shards.
        parts: All parts of the split.

    Returns:
        The record, or None where no shard was deployed ahead.

    Raises:
        CragruError: If a shard that held a forgotten row was kept, or one is not told of.
    """
    deployed = [path for path in job.inputs if request.is_deployed_shard(path)]
    renewed = [path for path in job.outputs if request.is_renewed_shard(path)]
    before = {PurePath(path).name: job.inputs[path] for path in deployed}
    if not before:
        return None
    after = {PurePath(path).name: job.outputs[path] for path in renewed}
    if before.keys() != after.keys():
        raise CragruError(
            f"{job.manifest}: tells of {len(before)} shards before the request, but of {len(after)} after it"
        )
    old = _only(job, "its partition", filter(request.is_partition, job.inputs))
    new = _only(
        job, "the partition that is left", filter(request.is_renewed_partition, job.outputs)
    )
    gone = set(pd.concat([parts[name] for name in FORGOTTEN_PARTS])["row"])
    held = pd.read_parquet(old, columns=["row", "shard"])
    touched = {SHARD.format(number=shard) for shard in held["shard"][held["row"].isin(gone)]}
    kept = sorted(name for name in after if after[name] == before.get(name))
    wrong = sorted(touched & set(kept))
    if wrong or gone & set(pd.read_parquet(new, columns=["row"])["row"]):
        raise CragruError(
            f"{job.manifest}: still has forgotten rows in its shards ({', '.join(wrong) or new})"
        )
    return {
        "check": "shards that serve on unchanged held no forgotten row",
        "looked_at": sorted([old, new, *deployed, *renewed]),
        "shards": len(after),
        "unchanged": len(kept),
        "forgotten_found": 0,
        "passed": True,
    }


def check_proof(provenance: Provenance, job: Job) -> Record:
    """Check that a proof is of the prompts that are there, and that it found nothing forgotten.

    Args:
        provenance: What was made from what.
        job: The job that checked prompts.

    Raises:
        CragruError: If it is of no prompts that are known, or counts a forgotten row.
    """
    proof = _only(job, PROOF, (path for path in job.outputs if PurePath(path).name == PROOF))
    prompts = PurePath(proof).with_name(PROMPTS).as_posix()
    read = [path for path in job.inputs if PurePath(path).name == PROMPTS]
    if read != [prompts] or provenance.maker(prompts) is None:
        raise CragruError(
            f"{proof}: is no proof of the prompts beside it; delete it and run the workflow again"
        )
    counts = read_counts(proof)
    if counts["forgotten_in_history"] != 0:
        raise CragruError(
            f"{proof}: found {counts['forgotten_in_history']} forgotten rows in histories of prompts"
        )
    return {
        "check": "no history in a prompt shows a forgotten row",
        "looked_at": [prompts, proof],
        "candidates_of": job.wildcards["candidates_of"],
        **{
            name: counts[name]
            for name in ("prompts", "history_rows", "candidates", "forgotten_candidates")
        },
        "forgotten_found": 0,
        "passed": True,
    }


def check_none_is_missed(request: Request, provenance: Provenance, records: list[Record]) -> None:
    """Check that every unlearned model was looked at, whatever the script that made it states of itself.

    Args:
        request: The request.
        provenance: What was made from what.
        records: Those of the other checks.

    Raises:
        CragruError: If a file in the place of a method's model, that a job made or read, is in none of them.
    """
    looked = {record.get("model") for record in records}
    known = {path for job in provenance.jobs for path in (*job.inputs, *job.outputs)}
    for path in sorted(known - looked):
        if request.is_unlearned(path):
            maker = provenance.maker(path)
            origin = "no manifest of the certificate says its origin"
            if maker:
                origin = f"{maker.manifest} states the role {maker.role}, and checks look at {Role.UNLEARNS}"
            raise CragruError(
                f"{path}: no check has looked at this model of an unlearning method; {origin}"
            )


def all_checks(
    request: Request, provenance: Provenance, parts: Parts, guarantees: dict[str, str]
) -> tuple[list[Record], list[Record]]:
    """Every check that applies.

    Returns:
        The records of what was checked, and of the models of which exactness cannot be checked.

    Raises:
        CragruError: If a check fails, or an unlearned model is in neither list.
    """
    unlearned = [job for job in provenance.jobs if job.role is Role.UNLEARNS]
    found = [check_split(request, parts)]
    found += [check_exact(request, provenance, job, guarantees) for job in unlearned]
    found += [check_shards(request, job, parts) for job in unlearned]
    found += [check_proof(provenance, job) for job in provenance.jobs if job.role is Role.PROVES]
    checks = [record for record in found if record is not None]
    looks = [look_at_approximate(request, provenance, job, guarantees) for job in unlearned]
    not_checked = [record for record in looks if record is not None]
    check_none_is_missed(request, provenance, checks + not_checked)
    return checks, not_checked


def _model(request: Request, job: Job) -> str:
    """The model that an unlearning job made."""
    models = [path for path in job.outputs if request.is_unlearned(path)]
    if len(models) != 1:
        raise CragruError(
            f"{job.manifest}: states the role {job.role}, but made {len(models)} models, not 1"
        )
    return models[0]


def _only(job: Job, what: str, paths: Iterable[str]) -> str:
    """The first of some paths that a manifest must tell."""
    path = next(iter(paths), None)
    if path is None:
        raise CragruError(
            f"{job.manifest}: does not tell {what}; delete it and run the workflow again"
        )
    return path


def _is_from_before(request: Request, path: str) -> bool:
    return request.is_partition(path) or request.is_deployed_shard(path)


def _pairs(rows: pd.DataFrame) -> set[tuple[int, int]]:
    return set(zip(rows["user"].tolist(), rows["item"].tolist(), strict=True))
