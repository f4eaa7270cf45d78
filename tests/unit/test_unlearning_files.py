"""What stands between files and an unlearning method."""

from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from cragru.backbones.base import FactorModel
from cragru.backbones.files import write_curve
from cragru.backbones.learner import Epoch
from cragru.data.parts import PARTS, write_parts
from cragru.kept.files import sha256, write_json
from cragru.unlearning.files import (
    FileReader,
    job_context,
    shard_path,
    write_partition,
    write_remaining_partition,
    write_shards,
)
from tests.refusals import refused

ROWS = {"forget": [1, 4], "forget-heldout": [], "train": [0, 2, 5], "valid": [3], "test": [6]}


@pytest.fixture
def split(tmp_path):
    """Seven rows of three users; rows 1 and 4 are forgotten."""
    interactions = pd.DataFrame(
        {
            "user": [0, 0, 1, 1, 2, 2, 2],
            "item": range(7),
            "rating": [1.0, 2, 3, 4, 5, 4, 3],
            "timestamp": range(7),
        }
    ).astype({"user": "int32", "item": "int32", "rating": "float32", "timestamp": "int64"})
    rows = {name: pd.Series(ROWS[name], dtype="int64").to_numpy() for name in PARTS}
    write_parts(tmp_path / "split", rows, interactions)
    return tmp_path / "split"


@pytest.fixture
def partition(tmp_path):
    parts = {"train": pd.DataFrame({"row": [0, 1, 2, 4, 5]}), "valid": pd.DataFrame({"row": [3]})}
    write_partition(tmp_path / "partition.parquet", parts, {"train": [0, 0, 1, 1, 1], "valid": [1]})
    return tmp_path / "partition.parquet"


def a_model(number):
    table = torch.full((2, 3), float(number))
    return FactorModel(table, table, table, table)


def test_reader(split, partition):
    reader = FileReader(split, (3, 7), forget_file="yes", partition_file=partition, shards=2)
    data = reader.remain()
    assert [side.tolist() for side in data.train] == [[0, 1, 2], [0, 2, 5]]
    assert [side.tolist() for side in data.valid] == [[1], [3]]
    assert [rows.tolist() for rows in reader.rows()] == [[0, 2, 5], [3]]
    assert reader.ratings().tolist() == [1, 3, 4]
    assert [side.tolist() for side in reader.forget()] == [[0, 2], [1, 4]]
    deployed = reader.deployed()
    assert [column.tolist() for column in deployed.train] == [[0, 1, 2, 4, 5], [0, 0, 1, 1, 1]]
    assert [column.tolist() for column in deployed.valid] == [[3], [1]]
    assert (deployed.count, deployed.read_model) == (2, None)


@pytest.mark.parametrize(
    ("what", "key"),
    [("forget", "reads.forget"), ("original", "reads.original"), ("deployed", "partition")],
)
def test_what_is_not_declared_cannot_be_read(split, what, key):
    with refused(place=key):
        getattr(FileReader(split, (3, 7)), what)()


def test_reading_what_remains_opens_no_forgotten_row(split):
    (split / "forget.parquet").unlink()
    reader = FileReader(split, (3, 7))
    assert len(reader.remain().train[0]) == len(reader.rows()[0]) == len(reader.ratings()) == 3


def test_spared_shards_keep_their_bytes(tmp_path):
    write_shards(tmp_path / "before", {0: a_model(0), 1: a_model(1), 2: a_model(2)}, 3, None)
    write_shards(tmp_path / "after", {1: a_model(9)}, 3, tmp_path / "before")
    same = [
        sha256(shard_path(tmp_path / "before", k)) == sha256(shard_path(tmp_path / "after", k))
        for k in range(3)
    ]
    assert same == [True, False, True]
    assert FactorModel.load(shard_path(tmp_path / "after", 1)).user_factors[0, 0] == 9


def test_partition_of_what_remains(split, partition, tmp_path):
    write_remaining_partition(tmp_path / "after.parquet", partition, split)
    left = pd.read_parquet(tmp_path / "after.parquet")
    assert [*left.itertuples(index=False, name=None)] == [
        (0, "train", 0),
        (2, "train", 1),
        (5, "train", 1),
        (3, "valid", 1),
    ]


def test_curve(tmp_path):
    write_curve(tmp_path / "curve.csv", [Epoch("bpr-shard-1", 1, 0.5, 0.25, 1.0, 2.0)])
    header, line = (tmp_path / "curve.csv").read_text().splitlines()
    assert header == "model,epoch,loss,valid_ndcg,train_seconds,valid_seconds"
    assert line == "bpr-shard-1,1,0.5,0.25,1.0,2.0"


def test_a_context_of_a_rule(split, partition, tmp_path):
    write_json(tmp_path / "statistics.json", {"users": 3, "items": 7})
    inputs = {
        "record": split / "split.json",
        "statistics": tmp_path / "statistics.json",
        "partition": partition,
        "original": [],
    }
    options = {"dimensions": 2, "learning_rate": 0.1, "batch_size": 4, "epochs": 3, "patience": 2}
    params = {
        "module": "cragru.backbones.bpr",
        "options": options,
        "method_options": {"shards": 2},
        "device": "cpu",
    }
    job = SimpleNamespace(
        input=type("Inputs", (dict,), {"__getattr__": dict.__getitem__})(inputs),
        params=SimpleNamespace(**params),
        wildcards=SimpleNamespace(backbone="bpr", seed="7"),
    )
    context = job_context(job)
    assert (context.seed, context.backbone, context.options.batch_size) == (7, "bpr", 4)
    assert context.reader.deployed().count == 2
    with refused(place="reads.original"):
        context.reader.original()
