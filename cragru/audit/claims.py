"""What can be claimed of an artifact, and in which words."""

from cragru.audit.provenance import Job
from cragru.audit.request import Request
from cragru.errors import CragruError

EXACT = "exact"
PARTITIONED = "exact given the partition"
APPROXIMATE = "approximate"
CLAIMS = (EXACT, PARTITIONED, APPROXIMATE)
BEFORE = "before the request"
DATA = "what remains, and what is forgotten"
PROOFS = "a proof about prompts"
PROMPT_AND_ORIGINAL = "exact in the prompt, candidates of the original model"
PROMPT_AND_RETRAIN = "exact in the prompt, candidates of Retrain"
OF_SOURCE = {"original": PROMPT_AND_ORIGINAL, "retrain": PROMPT_AND_RETRAIN}
RANDOM_PARTITION = "cragru.unlearning.partition.random"
OF_RULE = {
    **dict.fromkeys(("prepare", "train_original", "partition", "train_shards"), BEFORE),
    **dict.fromkeys(("split", "apply_request"), DATA),
    **dict.fromkeys(("check_prompts", "check_requester"), PROOFS),
}


def claim_of(reads: list[str], partition: str | None) -> str:
    """What a method may claim, by its entry in params.yaml.

    Args:
        reads: What it reads beside the rows that remain.
        partition: Module of its partition, if it has shards.

    Returns:
        `exact` if it reads nothing else and its data are cut at random, which looks at no row's content; `exact given
        the partition` if they are cut in a way that was learnt; `approximate` if it reads the forgotten rows or starts
        from the model that was trained on them.
    """
    if reads:
        return APPROXIMATE
    return EXACT if partition in (None, RANDOM_PARTITION) else PARTITIONED


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
