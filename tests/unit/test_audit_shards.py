"""One user's request to two shards, of which it touches the first."""

import pandas as pd
import pytest
from refusals import refused

from cragru.audit.checks import vouch_for_shards
from cragru.audit.provenance import Job
from cragru.audit.request import Places
from cragru.core.request import Request
from cragru.core.roles import Role

PLACES = Places(Request("toy", "one-user", 1, "draw-1"))
BEFORE, AFTER = (
    "results/toy/one-user/1/bpr/sisa/before",
    "results/toy/one-user/1/draw-1/bpr/sisa/after",
)
SHARDS = ("shards/shard-00.safetensors", "shards/shard-01.safetensors")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (BEFORE, AFTER):
        (tmp_path / place).mkdir(parents=True)


def parts(forget, held_out=()):
    return {
        "forget": pd.DataFrame({"row": list(forget)}),
        "forget-heldout": pd.DataFrame({"row": list(held_out)}),
    }


def job(shard_of, left, before=("a", "b"), after=("A", "b")):
    """A job with partitions (row -> shard before, rows left after) and checksums of the shards."""
    rows = pd.DataFrame({"row": list(shard_of), "part": "train", "shard": list(shard_of.values())})
    rows.to_parquet(f"{BEFORE}/partition.parquet")
    rows[rows["row"].isin(left)].to_parquet(f"{AFTER}/partition.parquet")
    inputs = {f"{BEFORE}/{name}": sha for name, sha in zip(SHARDS, before, strict=True)}
    outputs = {f"{AFTER}/{name}": sha for name, sha in zip(SHARDS, after, strict=False)}
    inputs[f"{BEFORE}/partition.parquet"] = outputs[f"{AFTER}/partition.parquet"] = "p"
    return Job("manifest.json", "unlearn_request_shards", Role.UNLEARNS, {}, {}, inputs, outputs)


def test_an_untouched_shard_is_kept():
    record = vouch_for_shards(PLACES, job({0: 0, 1: 0, 2: 1}, left=[0, 2]), parts([1]))
    assert (record["shards"], record["unchanged"], record["passed"]) == (2, 1, True)
    assert record["looked_at"] == sorted(
        f"{place}/{name}" for place in (BEFORE, AFTER) for name in (*SHARDS, "partition.parquet")
    )


@pytest.mark.parametrize(("forget", "held_out"), [([2], []), ([1], [2])])
def test_a_kept_shard_with_a_forgotten_row_fails(forget, held_out):
    with refused(place="manifest.json", got=["shard-01.safetensors"]):
        vouch_for_shards(PLACES, job({0: 0, 1: 0, 2: 1}, left=[0]), parts(forget, held_out))


def test_a_shard_that_no_manifest_tells_of_fails():
    before = ["shard-00.safetensors", "shard-01.safetensors"]
    with refused(place="manifest.json", got=before[:1], allowed=before):
        vouch_for_shards(PLACES, job({0: 0, 1: 0, 2: 1}, left=[0, 2], after=("A",)), parts([1]))


def test_a_forgotten_row_left_in_the_partition_fails():
    with refused(place="manifest.json", got=[f"{AFTER}/partition.parquet"]):
        vouch_for_shards(PLACES, job({0: 0, 1: 0, 2: 1}, left=[0, 1, 2]), parts([1]))


def test_a_method_without_shards_has_nothing_to_check():
    assert (
        vouch_for_shards(
            PLACES,
            Job("manifest.json", "unlearn_request", Role.UNLEARNS, {}, {}, {}, {}),
            parts([1]),
        )
        is None
    )
