import hashlib
import os
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cragru.core.errors import CragruError
from cragru.kept.files import (
    AGAIN,
    atomic_path,
    read_json,
    read_parquet,
    read_record,
    sha256,
    temporaries_of,
    write_json,
    write_parquet,
    write_text,
)
from cragru.kept.rights import narrow_cached
from tests.refusals import refused

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


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    """A name that outlives a power cut must not name an empty file."""
    done = []
    replace = Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append(os.fstat(file).st_ino))
    monkeypatch.setattr(
        Path, "replace", lambda path, target: done.append("replace") or replace(path, target)
    )
    write_text(tmp_path / "a.txt", "text")
    assert done == [(tmp_path / "a.txt").stat().st_ino, "replace"]


def test_writers_do_not_share_a_temporary_file(tmp_path):
    with atomic_path(tmp_path / "a.txt") as first, atomic_path(tmp_path / "a.txt") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"  # the outer block ends last
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("umask", "folder", "rights"),
    [
        (0o022, 0o755, 0o644),
        (0o027, 0o755, 0o640),
        (0o077, 0o755, 0o600),
        (0o002, 0o775, 0o664),
        (0o022, 0o750, 0o640),
        (0o022, 0o700, 0o600),
        (0o000, 0o777, 0o666),
        (0o000, 0o755, 0o644),
    ],
)
@pytest.mark.parametrize("writer", ["text", "parquet", "replaced"])
def test_rights_are_the_umasks_and_no_wider_than_the_folders(
    tmp_path, umask, folder, rights, writer
):
    place = tmp_path / "results"
    place.mkdir()
    place.chmod(folder)
    before = os.umask(umask)
    try:
        if writer == "text":
            write_text(place / "a", "text")
        elif writer == "parquet":
            write_parquet(place / "a", pd.DataFrame({"a": [1]}), {"a": "int64"})
        else:
            with atomic_path(
                place / "a"
            ) as temporary:  # as safetensors does: a file of its own, 0600
                temporary.unlink()
                os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert stat.S_IMODE((place / "a").stat().st_mode) == rights


def test_rights_follow_the_results_folder_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_text("results/toy/split/before", "text")
    (tmp_path / "results").chmod(0o700)
    write_text("results/toy/split/after", "text")
    found = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "results/toy/split").iterdir()
    }
    assert found == {"before": 0o644, "after": 0o600}


def test_a_file_in_snakemakes_cache_gets_the_rights_of_its_folder(tmp_path):
    """Snakemake lets everybody write it."""
    cache, room = tmp_path / "cache", tmp_path / "results"
    for folder, mode in ((cache, 0o700), (room, 0o755)):
        folder.mkdir(mode=mode)
    for name in ("forget", "own"):
        (cache / name).write_text("rows")
        (cache / name).chmod(0o666)
        (room / name).symlink_to(cache / name)
    (room / "plain").write_text("rows")
    (room / "plain").chmod(0o666)
    paths = [str(room / name) for name in ("forget", "plain")]
    narrow_cached(paths, {})
    narrow_cached(paths, {"SNAKEMAKE_OUTPUT_CACHE": str(tmp_path / "other")})
    assert stat.S_IMODE((cache / "forget").stat().st_mode) == 0o666
    narrow_cached(paths, {"SNAKEMAKE_OUTPUT_CACHE": str(cache)})
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (cache / "forget", room / "plain")]
    assert modes == [0o600, 0o666]


def test_temporary_copies_of_a_file(tmp_path):
    for name in ("a.txt", ".a.txt.0123abcd", ".a.txt.k_8x0fz1", ".a.txt", ".b.txt.0123abcd"):
        (tmp_path / name).touch()
    found = [path.name for path in temporaries_of(tmp_path / "a.txt")]
    assert found == [".a.txt.0123abcd", ".a.txt.k_8x0fz1"]
    assert temporaries_of(tmp_path / "nowhere" / "a.txt") == []
    with atomic_path(tmp_path / "c.txt") as temporary:
        assert temporaries_of(tmp_path / "c.txt") == [temporary]


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
    with refused(place=path, advice=AGAIN) as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_json_that_is_not_there_or_too_deep_names_the_file(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(CragruError, match=f"^{path}: no such file; run the workflow$"):
        read_json(path)
    path.write_text("[" * 100_000)
    with refused(place=path, advice=AGAIN):
        read_json(path)


def test_a_record_of_the_wrong_shape_names_file_and_key(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"users": [1, "2"]})
    with refused(place=path, advice=AGAIN) as caught:
        read_record(path, {"users": [int]})
    assert "`$.users[1]`" in str(caught.value)
    write_json(path, {"users": [1, 2], "more": 3})
    assert read_record(path, {"users": [int]}) == {"users": [1, 2], "more": 3}


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
    with refused(place=path, got=other, advice=AGAIN):
        read_parquet(path, SCHEMA)


@pytest.mark.parametrize("content", [b"PAR1 half", b"", None])
def test_unreadable_parquet_names_the_file(tmp_path, content):
    path = tmp_path / "a.parquet"
    if content is not None:
        path.write_bytes(content)
    with refused(place=path, advice=AGAIN) as caught:
        read_parquet(path, SCHEMA)
    assert "\n" not in str(caught.value)


def test_reason_of_several_lines_is_one_line(tmp_path, monkeypatch):
    def fails(path):
        raise OSError("bad page\nhexadecimal dump")

    monkeypatch.setattr(pd, "read_parquet", fails)
    with refused(what="not parquet: bad page hexadecimal dump"):
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
