"""What is guaranteed of an artifact, and in which words."""

from cragru.audit.provenance import Job
from cragru.audit.request import Request
from cragru.claims import CLAIMS
from cragru.errors import CragruError
from cragru.names import ORIGINAL, RETRAIN

BEFORE = "before the request"
DATA = "what remains, and what is forgotten"
PROOFS = "a proof about prompts"
PROMPT_AND_ORIGINAL = "exact in the prompt, candidates of the original model"
PROMPT_AND_RETRAIN = "exact in the prompt, candidates of Retrain"
OF_SOURCE = {ORIGINAL: PROMPT_AND_ORIGINAL, RETRAIN: PROMPT_AND_RETRAIN}
OF_RULE = {
    **dict.fromkeys(("prepare", "train_original", "partition", "train_shards"), BEFORE),
    **dict.fromkeys(("split", "apply_request"), DATA),
    **dict.fromkeys(("check_prompts", "check_requester"), PROOFS),
}


def guarantee_of(request: Request, job: Job, claims: dict[str, str]) -> str:
    """What is claimed of a job's outputs.

    Raises:
        CragruError: If nothing is known of the job, or it is of another request.
    """
    names, where = job.wildcards, job.manifest
    own = {**request._asdict(), "seed": str(request.seed)}
    if any(str(names[key]) != own[key] for key in names.keys() & own.keys()):
        raise CragruError(f"{where}: is of another request than the certificate's")
    if job.rule in OF_RULE:
        return OF_RULE[job.rule]
    if "source" in names:
        return OF_SOURCE[names["source"]]
    if claims.get(names.get("method")) not in CLAIMS:
        raise CragruError(f"{where}: the rule {job.rule} made something of which nothing is claimed")
    return claims[names["method"]]
