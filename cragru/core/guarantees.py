"""What an unlearning method may claim, by what it reads."""

from collections.abc import Collection

EXACT = "exact"
PARTITIONED = "exact given the partition"
APPROXIMATE = "approximate"
GUARANTEES = (EXACT, PARTITIONED, APPROXIMATE)
RANDOM_PARTITION = "cragru.unlearning.partition.random"


def method_guarantee(reads: Collection[str], partition: str | None) -> str:
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
