"""What an unlearning method may claim, by what it reads."""

from collections.abc import Collection

EXACT = "exact"
PARTITIONED = "exact given the partition"
APPROXIMATE = "approximate"
GUARANTEES = (EXACT, PARTITIONED, APPROXIMATE)
RANDOM_PARTITION = "cragru.unlearning.partition.random"


def method_guarantee(reads: Collection[str], partition: str | None) -> str:
    """Return what a method may claim, by its entry in params.yaml.

    Args:
        reads: What the method reads beside the rows that remain.
        partition: Module of its partition, if it has shards.

    Returns:
        `approximate` if the method reads the forgotten rows, or the model that was trained on them; `exact given the
        partition` if its partition was learnt; else `exact`: a random partition looks at no row's content.
    """
    if reads:
        return APPROXIMATE
    return EXACT if partition in (None, RANDOM_PARTITION) else PARTITIONED
