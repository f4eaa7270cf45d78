"""Splits on disk: whatever is lost, repeated or altered is noticed."""

import numpy as np
import pandas as pd
import pytest

from cragru.core.names import AT_RANDOM, TIME, TIME_PER_USER
from cragru.data.frames import INTERACTIONS
from cragru.data.parts import (
    PARTS,
    read_all_parts,
    read_parts,
    read_sizes,
    require_times,
    rows_left_out,
    write_parts,
)
from cragru.data.split import LEFT_OUT, forget_interactions
from cragru.kept.files import read_json, sha256, write_json
from tests.refusals import refused


@pytest.fixture
def interactions():
    users = np.repeat(np.arange(6), 12)
    return pd.DataFrame(
        {
            "user": users,
            "item": np.arange(72) % 20,
            "rating": np.arange(72) % 5 + 1,
            "timestamp": np.arange(72) + 880_000_000,
        }
    ).astype(INTERACTIONS)


@pytest.fixture
def rows(interactions):
    return forget_interactions(interactions, 0.1, (0.7, 0.1, 0.2), seed=1)


def test_round_trip(tmp_path, interactions, rows):
    write_parts(tmp_path, rows, interactions)
    parts = read_all_parts(tmp_path, interactions)
    assert set(parts) == set(PARTS)
    for name, part in parts.items():
        assert np.array_equal(part["row"], rows[name])
        assert np.array_equal(part["item"], interactions["item"].iloc[rows[name]])


def test_what_is_left_out_is_counted_and_in_no_part(tmp_path, interactions):
    """User 5 comes after everybody else."""
    day = np.arange(72) % 12 + 12 * (interactions["user"] == 5)
    timed = interactions.assign(timestamp=day)
    rows = forget_interactions(timed, 0.1, (0.5, 0.1, 0.4), 1, TIME)
    assert set(timed["user"].iloc[rows[LEFT_OUT]]) == {5}
    write_parts(tmp_path, rows, timed)
    record, parts = read_json(tmp_path / "split.json"), read_all_parts(tmp_path, timed)
    assert rows_left_out(tmp_path) == record["left_out"] == len(rows[LEFT_OUT])
    assert record["rows"] == sum(map(len, parts.values())) == len(interactions) - record["left_out"]


def test_a_split_that_leaves_nothing_out_does_not_speak_of_it(tmp_path, interactions, rows):
    write_parts(tmp_path, rows, interactions)
    assert set(read_json(tmp_path / "split.json")) == {"rows", "parts"}
    assert not rows_left_out(tmp_path)


@pytest.mark.parametrize("fault", ["lost", "repeated", "missing part"])
def test_writing_refuses_what_is_no_permutation(tmp_path, interactions, rows, fault):
    if fault == "lost":
        rows["test"] = rows["test"][1:]
    elif fault == "repeated":
        rows["valid"] = np.append(rows["valid"], rows["forget"][0])
    else:
        del rows["forget"]
    with refused(place=tmp_path):
        write_parts(tmp_path, rows, interactions)
    assert not (tmp_path / "split.json").exists()


def test_reading_notices_an_altered_part(tmp_path, interactions, rows):
    write_parts(tmp_path, rows, interactions)
    path = tmp_path / "valid.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    read_parts(tmp_path, ["train"])  # what is not read is not opened
    with refused(place=path, got=sha256(path)):
        read_parts(tmp_path, ["train", "valid"])


def test_reading_notices_other_interactions(tmp_path, interactions, rows):
    write_parts(tmp_path, rows, interactions)
    altered = interactions.assign(item=interactions["item"].to_numpy()[::-1].copy())
    with refused(place=tmp_path, what="not the prepared interactions"):
        read_all_parts(tmp_path, altered)
    with refused(place=tmp_path, what="not the prepared interactions"):
        read_all_parts(tmp_path, interactions.iloc[:-1])


def test_reading_one_part_opens_no_other(tmp_path, interactions, rows):
    """Who trains on the remain set must not need, or touch, the forget set."""
    write_parts(tmp_path, rows, interactions)
    for name in ("forget", "forget-heldout", "test"):
        (tmp_path / f"{name}.parquet").unlink()
    assert set(read_parts(tmp_path, ["train", "valid"])) == {"train", "valid"}


def test_sizes(tmp_path):
    write_json(tmp_path / "statistics.json", {"users": 3, "items": 4, "interactions": 5})
    assert read_sizes(tmp_path / "statistics.json") == (3, 4)


def test_places_in_a_file_are_no_times(tmp_path):
    statistics = tmp_path / "statistics.json"
    write_json(statistics, {"users": 2, "missing": ["timestamp"]})
    require_times(statistics, AT_RANDOM)
    for split_by in (TIME_PER_USER, TIME):
        with refused(place="split_by", got=split_by, what="the data set has no timestamps"):
            require_times(statistics, split_by)
    write_json(statistics, {"users": 2, "missing": ["rating"]})
    require_times(statistics, TIME)
