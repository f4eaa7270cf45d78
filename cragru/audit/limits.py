"""What a certificate does not vouch for, in plain sentences, and the files that still hold or tell forgotten rows."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

from cragru.audit.guarantees import (
    BEFORE,
    DATA,
    PROMPT_AND_ORIGINAL,
    PROMPT_AND_RETRAIN,
    WEIGHTS_AND_ORIGINAL,
    WEIGHTS_AND_RETRAIN,
    Claim,
)
from cragru.audit.request import Places
from cragru.core.guarantees import APPROXIMATE, EXACT, PARTITIONED
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan.places import (
    CANDIDATES,
    COST,
    CURVE,
    FIT,
    PROMPTS_COST,
    RESULTS,
    SELECTION_COST,
    VALIDATION,
    is_at,
    is_under,
)

Record = dict[str, Any]


class Trace(NamedTuple):
    """What a file tells of forgotten rows.

    Attributes:
        holds: What it holds, in words.
        purge: Whether `snakemake purge` deletes it.
    """

    holds: str
    purge: bool


FORGOTTEN = Trace("forgotten rows, in clear", True)
DEPLOYED = Trace("rows before the request, in clear", True)
CANDIDATES_BEFORE = Trace(
    "candidates of the model before the request, beside who they are for", True
)
ASKED = Trace("the request itself, in clear", False)
COHORT = Trace("users to score, drawn with the forget set at hand", False)
SHARED = Trace("all interactions; every request shares them", False)
AFTERMATH = {
    BEFORE: Trace("made with forgotten rows, before the request", True),
    APPROXIMATE: Trace(
        "made by an approximate method, from forgotten rows or the model that was trained on them",
        False,
    ),
    PARTITIONED: Trace("rests on a partition that was learnt with forgotten rows", False),
    PROMPT_AND_ORIGINAL: Trace(
        "follows from candidates of the model before the request, or from a strategy fitted with it",
        False,
    ),
    WEIGHTS_AND_ORIGINAL: Trace(
        "orders candidates of the model before the request, by weights of what remains", False
    ),
}
TELL_NOTHING = (COST, CURVE, PROMPTS_COST, PurePath(SELECTION_COST).name)

OF_METHODS = {
    APPROXIMATE: "approximate: they change the model before the request, and nothing shows that no trace is left",
    PARTITIONED: "exact given the partition, which was learnt on data with the forgotten rows and stays as it was",
}
SOURCES = {ORIGINAL: "the model before the request, which knows them", RETRAIN: "Retrain"}
OTHERS = "Other seeds and protocols of this data set"
OTHER_REQUESTS = "Requests that do not start from what this one left, other seeds and protocols"
ALWAYS = (
    "Evaluations, tables, figures, logs and an LLM's stored answers are not artifacts of this certificate; "
    "evaluations measure forgotten rows and the model before the request, and `snakemake purge` deletes those that "
    "name who has forgotten rows.",
    "Files outside the results folder, copies, backups and what a disk keeps of deleted files are beyond this "
    "certificate. It vouches for what the manifests say, and for content only where a check names it.",
)


def not_guaranteed(places: Places, claims: list[Claim], checks: list[Record]) -> Iterator[str]:
    """Yield what does not follow from the checks, each sentence only where it applies."""
    for guarantee, text in OF_METHODS.items():
        methods = _methods(claims, guarantee)
        if methods:
            yield f"{', '.join(methods)}: {text}."
    for candidates_of in SOURCES:
        yield from _candidates(checks, candidates_of)
    strategies = _strategies(places, claims)
    if strategies:
        yield f"Strategies {', '.join(strategies)}: fitted by jobs that had the model before the request as an input."
    others = OTHERS if places.request.request is None else OTHER_REQUESTS
    yield f"{others} have forget sets of their own: what was made for them may hold these rows."
    yield from ALWAYS


def _methods(claims: list[Claim], guarantee: str) -> list[str]:
    claimed = {claim.job.wildcards["method"] for claim in claims if claim.guarantee == guarantee}
    return sorted(claimed)


def _candidates(checks: list[Record], candidates_of: str) -> Iterator[str]:
    """Yield how many candidates of a source are forgotten, where prompts show some."""
    shown = forgotten = 0
    for record in checks:
        if record.get("candidates_of") == candidates_of:
            shown += record["candidates"]
            forgotten += record["forgotten_candidates"]
    if shown:
        yield (
            f"CRAGRU's prompts hold no forgotten row in histories, but candidates come from {SOURCES[candidates_of]}: "
            f"{forgotten} of {shown} candidates ({forgotten / shown:.1%}) are items that their user has asked to "
            "forget."
        )


def _strategies(places: Places, claims: list[Claim]) -> list[str]:
    """Return the strategies fitted on the original model's factors."""
    named = set()
    for claim in claims:
        job = claim.job
        is_fit = any(is_under(FIT, path) for path in job.outputs)
        if is_fit and any(map(places.is_original, job.inputs)):
            named.add(job.wildcards["strategy"])
    return sorted(named)


def remains(places: Places, claims: list[Claim]) -> list[Record]:
    """Return the files that hold forgotten rows or were derived from them, each with its trace."""
    found = dict.fromkeys(places.forgotten_parts, FORGOTTEN)
    found |= dict.fromkeys(places.deployed_parts, DEPLOYED)
    for claim in claims:
        for path in claim.job.outputs:
            trace = _aftermath(places, claim, path)
            if trace and path not in found:
                found[path] = trace
        for path in claim.job.inputs:
            if claim.guarantee == DATA and not path.startswith(f"{RESULTS}/"):
                found[path] = ASKED
            elif places.is_cohort(path):
                found[path] = COHORT
    found |= dict.fromkeys((places.interactions, places.raw), SHARED)
    return [{"path": path, **found[path]._asdict()} for path in sorted(found)]


def _aftermath(places: Places, claim: Claim, path: str) -> Trace | None:
    """Return what an output tells of forgotten rows; None where it tells nothing."""
    is_prepared = path.startswith(f"{places.prepared}/")
    if not claim.forgotten or is_prepared or PurePath(path).name in TELL_NOTHING:
        return None
    if claim.guarantee in (EXACT, PROMPT_AND_RETRAIN, WEIGHTS_AND_RETRAIN, BEFORE):
        return AFTERMATH.get(claim.guarantee)
    is_candidates = is_at(CANDIDATES, path) or is_at(VALIDATION, path)
    if is_candidates or places.is_prompt_of_who_asked(path):
        return CANDIDATES_BEFORE
    return AFTERMATH.get(claim.guarantee)
