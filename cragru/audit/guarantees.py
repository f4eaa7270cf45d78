"""What is claimed of what each job made, and in which words."""

from dataclasses import dataclass

from cragru.audit.provenance import Job, Provenance
from cragru.audit.request import Places
from cragru.core.errors import CragruError
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.core.roles import Role

BEFORE = "before the request"
DATA = "what remains, and what is forgotten"
PROOFS = "a proof about prompts"
PROMPT_AND_ORIGINAL = "exact in the prompt, candidates of the original model"
PROMPT_AND_RETRAIN = "exact in the prompt, candidates of Retrain"
WEIGHTS_AND_ORIGINAL = "exact in its weights, candidates of the original model"
WEIGHTS_AND_RETRAIN = "exact in its weights, candidates of Retrain"
OF_CANDIDATES = {
    Role.RERANKS: {ORIGINAL: PROMPT_AND_ORIGINAL, RETRAIN: PROMPT_AND_RETRAIN},
    Role.WEIGHS: {ORIGINAL: WEIGHTS_AND_ORIGINAL, RETRAIN: WEIGHTS_AND_RETRAIN},
}
OF_ROLE = {
    Role.PREPARES: BEFORE,
    Role.DEPLOYS: BEFORE,
    Role.DIVIDES: DATA,
    Role.PROVES: PROOFS,
}


@dataclass(frozen=True)
class Claim:
    """What is claimed of what a job made.

    Attributes:
        behind: What its outputs were made from, directly or not, as far as the split.
        forgotten: Files of `behind` that hold forgotten rows, or are the model that was trained on them.
    """

    job: Job
    guarantee: str
    behind: list[str]
    forgotten: list[str]


def claims_of(places: Places, provenance: Provenance, guarantees: dict[str, str]) -> list[Claim]:
    """Return what is claimed of each job; refuse one that is of another request, or of which nothing is known."""
    claims = []
    for job in provenance.jobs:
        _check_request(job, places)
        behind = provenance.behind(job, places.is_boundary)
        forgotten = list(filter(places.holds_forgotten, behind))
        is_earlier = places.is_earlier(job.wildcards)
        guarantee = BEFORE if is_earlier else _guarantee(job, guarantees)
        claims.append(Claim(job, guarantee, behind, forgotten))
    return claims


def _check_request(job: Job, places: Places) -> None:
    names = places.request._asdict()
    if places.is_earlier(job.wildcards):
        names["request"] = places.previous
    for name, own in names.items():
        told = job.wildcards.get(name, own)
        if str(told) != str(own):
            raise CragruError("of another request", place=_key(job, name), got=told)


def _guarantee(job: Job, guarantees: dict[str, str]) -> str:
    if job.role in OF_ROLE:
        return OF_ROLE[job.role]
    kind, words = "method", guarantees
    if job.role in OF_CANDIDATES:
        kind, words = "candidates_of", OF_CANDIDATES[job.role]
    name = job.wildcards.get(kind)
    if name not in words:
        raise CragruError("no claim is known", place=_key(job, kind), got=name, allowed=words)
    return words[name]


def _key(job: Job, name: str) -> str:
    return f"{job.manifest}: wildcards.{name}"
