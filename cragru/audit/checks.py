"""What a certificate vouches for: each check ends in a record of what was looked at, or in an error."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from cragru.audit.commitment import REMAKE
from cragru.audit.guarantees import BEFORE, Claim
from cragru.audit.provenance import Job, Provenance
from cragru.audit.request import Places, is_unlearned
from cragru.core.errors import CragruError
from cragru.core.guarantees import APPROXIMATE, EXACT, RANDOM_PARTITION
from cragru.core.roles import Role
from cragru.llm.counts import read_counts
from cragru.plan.places import FORGOTTEN_PARTS, PROMPTS, PROOF, REMAINING_PARTS, SHARD

Parts = dict[str, pd.DataFrame]
Record = dict[str, Any]
DELETE = "delete the split's folder"  # an advice
COUNTED = ("prompts", "history_rows", "candidates", "forgotten_candidates")


def all_checks(
    places: Places, provenance: Provenance, parts: Parts, claims: list[Claim]
) -> tuple[list[Record], list[Record]]:
    """Make every check that applies.

    Returns:
        The records of what was checked, and of the models of which exactness cannot be checked.

    Raises:
        CragruError: If a check fails, or an unlearned model is in neither list.
    """
    checks = [vouch_for_split(places, parts)]
    shards, proofs, not_checked = [], [], []
    for claim in claims:
        if claim.job.role is Role.PROVES:
            proofs.append(vouch_for_proof(provenance, claim.job))
        if claim.job.role is not Role.UNLEARNS or claim.guarantee == BEFORE:
            continue
        if claim.guarantee == APPROXIMATE:
            not_checked.append(look_at_approximate(claim))
        else:
            checks.append(vouch_for_exact(places, provenance, claim))
        shards.append(vouch_for_shards(places, claim.job, parts))
    checks += [*filter(None, shards), *proofs]
    check_none_is_missed(places, provenance, checks + not_checked)
    return checks, not_checked


def vouch_for_split(places: Places, parts: Parts) -> Record:
    """Refuse a part that remains with a forgotten row, or a forgotten pair of user and item."""
    forgotten = forgotten_rows(parts)
    rows, pairs = set(forgotten["row"]), _pairs(forgotten)
    for name in REMAINING_PARTS:
        part = parts[name]
        same_rows = rows & set(part["row"])
        same_pairs = pairs & _pairs(part)
        at, got = places.parts[name], len(same_rows) + len(same_pairs)
        if got:
            raise CragruError("has forgotten rows or pairs", place=at, got=got, advice=DELETE)
    return _passed(
        "no part of the split that remains has a forgotten row or pair",
        looked_at=list(places.parts.values()),
        rows={name: len(part) for name, part in parts.items()},
    )


def vouch_for_exact(places: Places, provenance: Provenance, claim: Claim) -> Record:
    """Refuse a model that claims to be exact, but was given something forgotten.

    Its graph and its masks of negative samples are made of the rows that it reads, so what holds for these holds for
    them; that these rows have no forgotten pair is `vouch_for_split`.

    Raises:
        CragruError: If something forgotten, the original model, or a file of unknown origin is behind its model.
    """
    job, claimed, at = claim.job, claim.guarantee, claim.job.manifest
    behind = provenance.behind(job, places.is_given)
    made_from: set[str] = set()
    for path in behind:
        maker = provenance.maker(path)
        if places.holds_forgotten(path):
            raise CragruError(f"claims {claimed}, but has seen forgotten rows", place=at, got=path)
        if maker is None and not places.is_boundary(path):
            raise CragruError(f"claims {claimed}, but its origin is unknown", place=at, got=path)
        if places.is_partition(path):
            # a partition that a request left names its module beside the backbone's
            module = maker.params.get("partition", maker.params["module"])
            if claimed == EXACT and module != RANDOM_PARTITION:
                raise CragruError("claims exact, but its partition is learnt", place=at, got=path)
            made_from |= maker.inputs.keys()
    return _passed(
        "an exact method read no forgotten row, so neither its graph nor its negative masks hold one",
        model=_model(job),
        guarantee=claimed,
        looked_at=[job.manifest, *behind],
        partition_was_made_from=sorted(made_from),
    )


def look_at_approximate(claim: Claim) -> Record:
    """Return the record of a method that claims no more than to be approximate: it has no verdict."""
    return {
        "model": _model(claim.job),
        "guarantee": claim.guarantee,
        "why": "no check tells whether an approximate method has left a trace of the forgotten rows",
        "looked_at": [claim.job.manifest],
        "derives_from_forgotten": claim.forgotten,
    }


def vouch_for_shards(places: Places, job: Job, parts: Parts) -> Record | None:
    """Refuse shards that serve on unchanged with a forgotten row, and a partition with one left.

    Returns:
        The record, or None where no shard was deployed ahead.
    """
    deployed = list(filter(places.is_deployed_shard, job.inputs))
    if not deployed:
        return None
    renewed = list(filter(places.is_renewed_shard, job.outputs))
    before = {PurePosixPath(path).name: job.inputs[path] for path in deployed}
    after = {PurePosixPath(path).name: job.outputs[path] for path in renewed}
    if before.keys() != after.keys():
        at = job.manifest
        raise CragruError("not the shards of before", place=at, got=[*after], allowed=before)
    (old,) = filter(places.is_partition, job.inputs)
    (new,) = filter(places.is_renewed_partition, job.outputs)
    gone = set(forgotten_rows(parts)["row"])
    held = pd.read_parquet(old, columns=["row", "shard"])
    left = pd.read_parquet(new, columns=["row"])
    touched = held.loc[held["row"].isin(gone), "shard"].unique()
    kept = {name for name, checksum in after.items() if checksum == before[name]}
    wrong = sorted(kept.intersection(SHARD.format(number=shard) for shard in touched))
    if wrong or left["row"].isin(gone).any():
        wrong = wrong or [new]
        raise CragruError("its shards still hold forgotten rows", place=job.manifest, got=wrong)
    return _passed(
        "shards that serve on unchanged held no forgotten row",
        looked_at=sorted([old, new, *deployed, *renewed]),
        shards=len(after),
        unchanged=len(kept),
    )


def vouch_for_proof(provenance: Provenance, job: Job) -> Record:
    """Refuse a proof of other prompts than those beside it, or one that counts a forgotten row."""
    (proof,) = _named(PROOF, job.outputs)
    prompts = PurePosixPath(proof).with_name(PROMPTS).as_posix()
    if _named(PROMPTS, job.inputs) != [prompts] or provenance.maker(prompts) is None:
        raise CragruError("no proof of the prompts beside it", place=proof, advice=REMAKE)
    counts = read_counts(proof)
    found = counts["forgotten_in_history"]
    if found:
        raise CragruError("histories of prompts show forgotten rows", place=proof, got=found)
    return _passed(
        "no history in a prompt shows a forgotten row",
        looked_at=[prompts, proof],
        candidates_of=job.wildcards["candidates_of"],
        **{name: counts[name] for name in COUNTED},
    )


def check_none_is_missed(places: Places, provenance: Provenance, records: list[Record]) -> None:
    """Refuse a model of a method, which its place tells, that a job made or read and that is in no record.

    A model before the request is in a record of the request that made it.
    """
    known: set[str] = set()
    for job in provenance.jobs:
        if not places.is_earlier(job.wildcards):
            known |= job.inputs.keys() | job.outputs.keys()
    known -= set(filter(places.is_original, known))
    looked = {record.get("model") for record in records}
    for path in sorted(filter(is_unlearned, known - looked)):
        maker = provenance.maker(path)
        role, needed = maker and maker.role.value, [Role.UNLEARNS.value]
        raise CragruError("no check looks at it by its role", place=path, got=role, allowed=needed)


def _passed(check: str, **told: Any) -> Record:
    return {"check": check, "forgotten_found": 0, "passed": True, **told}


def _named(name: str, paths: Iterable[str]) -> list[str]:
    return [path for path in paths if PurePosixPath(path).name == name]


def _model(job: Job) -> str:
    models = list(filter(is_unlearned, job.outputs))
    if len(models) != 1:
        raise CragruError("made no model, or several", place=job.manifest, got=models)
    return models[0]


def forgotten_rows(parts: Parts) -> pd.DataFrame:
    """Return what is forgotten of all parts of a split."""
    return pd.concat([parts[name] for name in FORGOTTEN_PARTS])


def _pairs(rows: pd.DataFrame) -> set[tuple[int, int]]:
    pairs = rows[["user", "item"]]
    return set(pairs.itertuples(index=False, name=None))
