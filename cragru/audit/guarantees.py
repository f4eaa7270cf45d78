"""What is guaranteed of an artifact, and in which words."""

from cragru.audit.provenance import Job
from cragru.audit.request import Request
from cragru.core.errors import CragruError, nearest
from cragru.core.guarantees import GUARANTEES
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.core.roles import Role

BEFORE = "before the request"
DATA = "what remains, and what is forgotten"
PROOFS = "a proof about prompts"
PROMPT_AND_ORIGINAL = "exact in the prompt, candidates of the original model"
PROMPT_AND_RETRAIN = "exact in the prompt, candidates of Retrain"
OF_CANDIDATES = {ORIGINAL: PROMPT_AND_ORIGINAL, RETRAIN: PROMPT_AND_RETRAIN}
OF_ROLE = {Role.PREPARES: BEFORE, Role.DEPLOYS: BEFORE, Role.DIVIDES: DATA, Role.PROVES: PROOFS}


def guarantee_of(request: Request, job: Job, guarantees: dict[str, str]) -> str:
    """What is claimed of a job's outputs.

    Raises:
        CragruError: If nothing is known of the job, or it is of another request.
    """
    names, where = job.wildcards, job.manifest
    own = {**request._asdict(), "seed": str(request.seed)}
    if any(str(names[key]) != own[key] for key in names.keys() & own.keys()):
        raise CragruError(f"{where}: is of another request than the certificate's")
    if job.role in OF_ROLE:
        return OF_ROLE[job.role]
    if job.role is Role.RERANKS:
        kind, words = "candidates_of", OF_CANDIDATES
    else:
        kind, words = (
            "method",
            {
                method: guarantee
                for method, guarantee in guarantees.items()
                if guarantee in GUARANTEES
            },
        )
    name = names.get(kind)
    if name not in words:
        hint = nearest(str(name), words)
        raise CragruError(
            f"{where}: made something of which nothing is claimed, of the {kind} {name!r}; {hint}"
        )
    return words[name]
