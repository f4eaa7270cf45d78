import hashlib
import os
import stat

import numpy as np
import pandas as pd
import pytest

from cragru.errors import CragruError
from cragru.io import (
    atomic_path,
    read_json,
    read_parquet,
    sha256,
    write_json,
    write_parquet,
    write_text,
)

SCHEMA = {"user": "int32", "title": "object", "score": "float64"}


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"score": [0.5, 1.0], "user": [1, 2], "title": ["a", "é"], "left_out": [0, 0]}
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- atomic_path


def test_new_file_appears_at_the_end_only(tmp_path):
    target = tmp_path / "deep" / "down" / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert (
            temporary.parent == target.parent
        )  # the same file system, so that it can take its place at once
    assert target.read_text() == "half"
    assert names(target.parent) == ["a.txt"]


def test_old_file_stays_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_what_was_there(tmp_path, error):
    (tmp_path / "old.txt").write_text("old")
    for name in ("old.txt", "new.txt"):
        with pytest.raises(error), atomic_path(tmp_path / name) as temporary:
            temporary.write_text("half")
            raise error
    assert names(tmp_path) == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_writers_do_not_share_a_temporary_file(tmp_path):
    with atomic_path(tmp_path / "a.txt") as first, atomic_path(tmp_path / "a.txt") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"  # the outer block ends last
    assert names(tmp_path) == ["a.txt"]


def test_others_may_read_the_file(tmp_path):
    before = os.umask(0o077)
    try:
        write_text(tmp_path / "a.txt", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


# --- text and JSON


def test_text_is_utf_8_with_plain_line_ends(tmp_path):
    write_text(tmp_path / "a.txt", "é\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\nb\n"


def test_json_bytes_do_not_depend_on_the_order_of_keys(tmp_path):
    write_json(tmp_path / "a.json", {"b": [1, 0.1], "a": {"d": None, "c": "é"}})
    write_json(tmp_path / "b.json", {"a": {"c": "é", "d": None}, "b": [1, 0.1]})
    expected = (
        '{\n  "a": {\n    "c": "é",\n    "d": null\n  },\n  "b": [\n    1,\n    0.1\n  ]\n}\n'
    )
    assert (tmp_path / "a.json").read_bytes() == expected.encode()
    assert (tmp_path / "b.json").read_bytes() == expected.encode()
    assert read_json(tmp_path / "a.json") == {"a": {"c": "é", "d": None}, "b": [1, 0.1]}


@pytest.mark.parametrize("content", [b'{"a": 1', b"", b"\xff\xfe"])
def test_bad_json_names_the_file(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(CragruError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: not valid JSON (")
    assert "\n" not in str(caught.value)


def test_value_that_json_cannot_hold_writes_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert names(tmp_path) == []


# --- parquet


def test_parquet_has_the_columns_of_the_schema_in_its_order(tmp_path, frame):
    write_parquet(tmp_path / "a.parquet", frame, SCHEMA)
    got = read_parquet(tmp_path / "a.parquet", SCHEMA)
    assert {name: str(dtype) for name, dtype in got.dtypes.items()} == SCHEMA
    assert list(got.columns) == list(SCHEMA)
    assert got.to_numpy().tolist() == [[1, "a", 0.5], [2, "é", 1.0]]


def test_equal_frames_give_equal_bytes(tmp_path, frame):
    write_parquet(tmp_path / "a.parquet", frame, SCHEMA)
    same = frame[::-1].set_index(np.array([7, 8]))[::-1].astype({"user": "int64"})
    write_parquet(tmp_path / "b.parquet", same, SCHEMA)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    "other",
    [
        {"user": "int32", "title": "object"},
        {**SCHEMA, "more": "int32"},
        {**SCHEMA, "user": "int64"},
        {"users": "int32", "title": "object", "score": "float64"},
    ],
)
def test_other_columns_than_expected(tmp_path, frame, other):
    path = tmp_path / "a.parquet"
    write_parquet(path, frame.assign(more=1, users=1), other)
    with pytest.raises(CragruError) as caught:
        read_parquet(path, SCHEMA)
    assert (
        str(caught.value)
        == f"{path}: columns are {other}, expected {SCHEMA}; delete it and run again"
    )


@pytest.mark.parametrize("content", [b"PAR1 half", b"", None])
def test_unreadable_parquet_names_the_file(tmp_path, content):
    path = tmp_path / "a.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CragruError) as caught:
        read_parquet(path, SCHEMA)
    assert str(caught.value).startswith(f"{path}: not a readable parquet file (")
    assert "\n" not in str(caught.value)


def test_reason_of_several_lines_is_cut(tmp_path, monkeypatch):
    def fails(path):
        raise OSError("bad page\nhexadecimal dump")

    monkeypatch.setattr(pd, "read_parquet", fails)
    with pytest.raises(CragruError, match=r"\(bad page\); delete it and run again$"):
        read_parquet(tmp_path / "a.parquet", SCHEMA)


def test_column_that_is_missing_writes_nothing(tmp_path, frame):
    with pytest.raises(KeyError):
        write_parquet(tmp_path / "a.parquet", frame.drop(columns="user"), SCHEMA)
    assert names(tmp_path) == []


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()
    (tmp_path / "a").write_bytes(b"abc")
    assert (
        sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
