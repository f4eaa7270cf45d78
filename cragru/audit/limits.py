"""What a certificate does not vouch for, in plain sentences, and the files that still hold or tell forgotten rows."""

from pathlib import PurePath
from typing import Any

from cragru.audit.guarantees import BEFORE, DATA, PROMPT_AND_ORIGINAL, PROMPT_AND_RETRAIN
from cragru.audit.provenance import Provenance
from cragru.audit.request import Request
from cragru.core.guarantees import APPROXIMATE, EXACT, PARTITIONED
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan.places import (
    CANDIDATES,
    COST,
    CURVE,
    FIT,
    PROMPTS_COST,
    RAW,
    RESULTS,
    SELECTION_COST,
    is_at,
    is_under,
    place,
)

Record = dict[str, Any]
TELL_NOTHING = (COST, CURVE, PROMPTS_COST, PurePath(SELECTION_COST).name)
AFTERMATH = {
    APPROXIMATE: "made by an approximate method, from forgotten rows or the model that was trained on them",
    PARTITIONED: "rests on a partition that was learnt with forgotten rows",
    PROMPT_AND_ORIGINAL: "follows from candidates of the model before the request, or from a strategy fitted with it",
}


def not_guaranteed(
    request: Request, provenance: Provenance, artifacts: list[Record], checks: list[Record]
) -> list[str]:
    """What does not follow from the checks: each sentence only where it applies.

    Args:
        request: The request.
        provenance: What was made from what.
        artifacts: The certificate's artifacts.
        checks: The records of its checks.
    """
    said = [_methods(provenance, artifacts, guarantee, text) for guarantee, text in _OF_METHODS]
    said += [_candidates(checks, candidates_of) for candidates_of in (ORIGINAL, RETRAIN)]
    said += [_strategies(request, provenance), _requests(request)]
    said.append(
        "Evaluations, tables, figures, logs and an LLM's stored answers are not artifacts of this certificate; "
        "evaluations measure forgotten rows and the model before the request, and `snakemake purge` deletes those that "
        "name who has forgotten rows."
    )
    said.append(
        "Files outside the results folder, copies, backups and what a disk keeps of deleted files are beyond this "
        "certificate. It vouches for what the manifests say, and for content only where a check names it."
    )
    return [sentence for sentence in said if sentence]


_OF_METHODS = (
    (
        APPROXIMATE,
        "approximate: they change the model before the request, and nothing shows that no trace is left",
    ),
    (
        PARTITIONED,
        "exact given the partition, which was learnt on data with the forgotten rows and stays as it was",
    ),
)


def _methods(provenance: Provenance, artifacts: list[Record], guarantee: str, text: str) -> str:
    of_manifest = {job.manifest: job for job in provenance.jobs}
    named = {
        of_manifest[made["manifest"]].wildcards["method"]
        for made in artifacts
        if made["guarantee"] == guarantee
    }
    return f"{', '.join(sorted(named))}: {text}." if named else ""


def _candidates(checks: list[Record], candidates_of: str) -> str:
    proofs = [record for record in checks if record.get("candidates_of") == candidates_of]
    shown = sum(record["candidates"] for record in proofs)
    forgotten = sum(record["forgotten_candidates"] for record in proofs)
    if not shown:
        return ""
    whose = (
        "the model before the request, which knows them" if candidates_of == ORIGINAL else "Retrain"
    )
    return (
        f"CRAGRU's prompts hold no forgotten row in histories, but candidates come from {whose}: {forgotten} of "
        f"{shown} candidates ({forgotten / shown:.1%}) are items that their user has asked to forget."
    )


def _strategies(request: Request, provenance: Provenance) -> str:
    """Strategies whose fit had the original model's factors at hand, and that have learnt something."""
    fits = [job for job in provenance.jobs if any(is_under(FIT, path) for path in job.outputs)]
    named = {
        job.wildcards["strategy"]
        for job in fits
        if any(request.is_original(path) for path in job.inputs)
    }
    if not named:
        return ""
    return f"Strategies {', '.join(sorted(named))}: fitted by jobs that had the model before the request as an input."


def _requests(request: Request) -> str:
    others = "Other seeds and protocols of this data set"
    if request.request is not None:
        others = "Other requests of this deployed state are served without this one; they, other seeds and protocols"
    return f"{others} have forget sets of their own: what was made for them may hold these rows."


def remains(request: Request, artifacts: list[Record]) -> list[Record]:
    """Files that hold forgotten rows or were derived from them, and which of these `snakemake purge` deletes.

    Args:
        request: The request.
        artifacts: The certificate's artifacts.
    """
    found = dict.fromkeys(request.forgotten_parts, ("forgotten rows, in clear", True))
    found |= dict.fromkeys(request.deployed_parts, ("rows before the request, in clear", True))
    for made in artifacts:
        for path in made["outputs"]:
            if (
                made["derives_from_forgotten"]
                and path not in found
                and not path.startswith(f"{request.prepared}/")
            ):
                reason = _aftermath(request, made, path)
                found |= {path: reason} if reason else {}
        if made["guarantee"] == DATA:
            asked = [path for path in made["inputs"] if not path.startswith(f"{RESULTS}/")]
            found |= dict.fromkeys(asked, ("the request itself, in clear", False))
        cohorts = [path for path in made["inputs"] if request.is_cohort(path)]
        found |= dict.fromkeys(
            cohorts, ("users to score, drawn with the forget set at hand", False)
        )
    shared = "all interactions; every request shares them"
    found |= {
        request.interactions: (shared, False),
        place(RAW, dataset=request.dataset): (shared, False),
    }
    return [
        {"path": path, "holds": holds, "purge": purge}
        for path, (holds, purge) in sorted(found.items())
    ]


def _aftermath(request: Request, made: Record, path: str) -> tuple[str, bool] | None:
    """What an output tells of forgotten rows, and whether it is to be purged."""
    guarantee = made["guarantee"]
    if PurePath(path).name in TELL_NOTHING or guarantee in (EXACT, PROMPT_AND_RETRAIN):
        return None
    if guarantee == BEFORE:
        return "made with forgotten rows, before the request", True
    if is_at(CANDIDATES, path) or request.is_prompt_of_who_asked(path):
        return "candidates of the model before the request, beside who they are for", True
    return (AFTERMATH[guarantee], False) if guarantee in AFTERMATH else None
