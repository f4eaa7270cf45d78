"""What a method may claim, by hand: from what it reads and how its data are cut."""

from importlib.util import find_spec

import pytest

from cragru.core.guarantees import RANDOM_PARTITION, method_guarantee

RANDOM, LEARNT = "cragru.unlearning.partition.random", "cragru.unlearning.partition.blpa"


@pytest.mark.parametrize(
    ("reads", "partition", "guarantee"),
    [
        ([], None, "exact"),
        ([], RANDOM, "exact"),
        ([], LEARNT, "exact given the partition"),
        (["forget"], None, "approximate"),
        (["original"], RANDOM, "approximate"),
        (["forget", "original"], LEARNT, "approximate"),
    ],
)
def test_what_a_method_may_claim(reads, partition, guarantee):
    assert method_guarantee(reads, partition) == guarantee


def test_the_random_partition_is_a_module():
    assert RANDOM_PARTITION == RANDOM and find_spec(RANDOM) is not None
