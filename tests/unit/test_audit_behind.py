"""The audit looks at everything behind a run, and a purge leaves no copy that it can find."""

import os
from pathlib import Path

import pytest
import refusals
from audit_world import ORIGINAL, RETRAIN, SECRET, STATE, World

from cragru.audit.behind import shown_files
from cragru.audit.commitment import Key, check_key
from cragru.audit.purging import purge
from cragru.audit.verification import (
    BEHIND,
    Verifier,
    find_certificates,
    missing_certificates,
)
from cragru.core.errors import CragruError
from cragru.kept.files import read_json, sha256, write_json
from cragru.llm.base import Answer
from cragru.llm.store import AnswerStore

KEY = Key(SECRET)
RUN = "results/run"
CERTIFICATES = f"{RUN}/certificates"
PER_USER = f"{RETRAIN}/per-user.parquet"
TABLE = f"{RUN}/tables/table2.csv"
CELL = f"{STATE}/bpr/cragru/original/none/cell"
WEIGHTS = "results/llm/small/model/model.safetensors"
RECEIPT = "results/llm/small/receipts/1-of-1.json"
ANSWERS = "results/llm/small/answers/0123.json"
LISTS = f"{CELL}/reranked.parquet"
RAW = "results/raw/toy/u.data"
PREPARED = "results/toy/prepared"


def job(manifest, inputs, outputs, **facts):
    """Make files and the manifest of the job that made them."""
    for name in outputs:
        if not Path(name).exists():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(name)
    record = {"rule": "any", "role": None, "wildcards": {}, "params": {}, "facts": facts}
    record["inputs"] = {name: sha256(name) for name in inputs}
    write_json(manifest, record | {"outputs": {name: sha256(name) for name in outputs}})


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The world of certificates, with what stands around it in a run: published data, an LLM, evaluations, a table."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    Path(RAW).parent.mkdir(parents=True)
    Path(RAW).write_text(RAW)
    cost = {"seconds": 1.5, "start_seconds": 2.5, "device": "cpu"}
    AnswerStore(Path(ANSWERS).parent).keep("0123", [Answer('{"1":5}', "stop", 9, 4)], cost)
    write_json(
        "results/raw/toy/source.json",
        {"dataset": "toy", "source": "local", "members": {"u.data": sha256(RAW)}},
    )
    frames = [f"{PREPARED}/{name}.parquet" for name in ("interactions", "users", "items")]
    raw = [RAW, "results/raw/toy/source.json"]
    job(f"{PREPARED}/manifest.json", raw, [*frames, f"{PREPARED}/statistics.json"])
    job(f"{RETRAIN}/per-user-manifest.json", [f"{RETRAIN}/model.safetensors"], [PER_USER])
    job("results/llm/small/manifest.json", [], [WEIGHTS])
    job(
        "results/llm/small/receipts/1-of-1-manifest.json",
        [WEIGHTS, f"{CELL}/prompts.jsonl"],
        [RECEIPT],
    )
    job(f"{CELL}/lists-manifest.json", [RECEIPT], [LISTS], answers={ANSWERS: sha256(ANSWERS)})
    job(f"{RUN}/tables/table2-manifest.json", [PER_USER, LISTS], [TABLE])
    world.certify()
    return world


def audited(*planned):
    """What the audit says of the run, or its error."""
    verifier = Verifier(KEY)
    for path in find_certificates(CERTIFICATES):
        verifier.verify(path)
    verifier.verify_behind(shown_files(RUN, planned))
    verifier.report()
    return verifier.verified


def problems():
    with pytest.raises(CragruError) as caught:
        audited()
    assert "\n" not in str(caught.value)
    return caught.value.problems


def told():
    """What the audit has against each file, by its place."""
    return {problem.place: problem.what for problem in problems() if problem.place}


def line():
    """What a person reads of it."""
    return "; ".join(map(str, problems()))


def test_everything_behind_a_run_is_verified(world):
    assert audited(TABLE).keys() == {CERTIFICATE, BEHIND}


@pytest.mark.parametrize(
    "name", [TABLE, PER_USER, LISTS, RECEIPT, ANSWERS, WEIGHTS, RAW, f"{PREPARED}/statistics.json"]
)
def test_a_flipped_bit_of_each_kind_is_named(world, name):
    """None of these is in a certificate's files but the last."""
    before = Path(name).read_bytes()
    Path(name).write_bytes(bytes([before[0] ^ 1]) + before[1:])
    assert "altered" in told()[name]
    Path(name).unlink()
    assert "missing" in told()[name]


def test_what_answers_took_is_verified_too(world):
    path = Path(ANSWERS).with_suffix(".cost.json")
    path.write_text(path.read_text().replace("1.5", "1.4"))
    altered = line()
    assert str(path) in altered
    path.unlink()
    assert str(path) in line() and line() != altered


def test_what_is_in_a_certificate_is_told_once(world):
    world.alter(f"{RETRAIN}/model.safetensors")
    assert told() == {f"{RETRAIN}/model.safetensors": "not as certified: altered"}


def test_a_file_that_no_manifest_names_is_told(world):
    Path(f"{RETRAIN}/per-user-manifest.json").unlink()
    assert told() == {PER_USER: "no manifest names it"}


def test_a_table_that_was_deleted_is_missed_and_one_that_was_never_made_is_not(world):
    assert audited(TABLE, f"{RUN}/tables/table3.csv")
    Path(TABLE).unlink()
    assert told() == {TABLE: "missing"}


def test_a_deleted_certificate_is_missed():
    wanted = [f"{CERTIFICATES}/toy/paper/{seed}/certificate.json" for seed in (1, 2)]
    write_json(wanted[0], {})
    (problem,) = missing_certificates(wanted)
    assert problem.place == wanted[1]


def test_what_was_purged_may_be_missing(world):
    purge(find_certificates(CERTIFICATES), KEY)
    assert len(audited()) == 2
    Path(PER_USER).unlink()
    assert told() == {PER_USER: "missing"}


# --- damaged records

CERTIFICATE = f"{CERTIFICATES}/toy/paper/1/certificate.json"


DAMAGED = ["[]", "{", '"text"', "null", "{}", '{"format": 2}']


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_certificate_is_one_line(world, content):
    Path(CERTIFICATE).write_text(content)
    assert CERTIFICATE in line()


@pytest.mark.parametrize("key", ["commitment", "artifacts", "request", "files", "remains", "seal"])
@pytest.mark.parametrize("value", [[1], "text", None, {"a": [1]}])
def test_a_certificate_with_a_wrong_part_is_one_line(world, key, value):
    write_json(CERTIFICATE, read_json(CERTIFICATE) | {key: value})
    assert CERTIFICATE in line()


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_record_of_a_purge_is_one_line(world, content):
    path = Path(CERTIFICATE).with_name("purged.json")
    path.write_text(content)
    assert str(path) in line()
    with pytest.raises(CragruError, match=r"^\S+purged.json: .*[^\n]$"):
        purge(find_certificates(CERTIFICATES), KEY)
    assert Path(ORIGINAL).exists()


@pytest.mark.parametrize(
    "manifest", [f"{RETRAIN}/manifest.json", f"{RUN}/tables/table2-manifest.json"]
)
@pytest.mark.parametrize("content", ["[]", "{", '{"outputs": {}}', '{"outputs": [], "inputs": 1}'])
def test_a_damaged_manifest_is_one_line(world, manifest, content):
    Path(manifest).write_text(content)
    with pytest.raises(CragruError, match=manifest):
        audited()
    with pytest.raises(CragruError, match=r"^[^\n]*$"):
        audited()


# --- a purge deletes what links lead to


def linked_into_cache(folder, name):
    """Move a file into a cache and put a link in its place, as Snakemake does."""
    target = folder / "cache" / Path(name).name
    target.parent.mkdir(exist_ok=True)
    Path(name).rename(target)
    Path(name).symlink_to(target)
    return target


def test_what_a_link_leads_to_is_deleted_as_well(world):
    name = f"{STATE}/split/forget.parquet"
    target = linked_into_cache(world.folder, name)
    assert name in purge(find_certificates(CERTIFICATES), KEY)
    assert not target.exists() and not Path(name).is_symlink()
    assert len(audited()) == 2


def test_every_link_of_a_chain_is_deleted(world):
    name = f"{STATE}/split/forget.parquet"
    target = linked_into_cache(world.folder, name)
    between = world.folder / "between"
    between.symlink_to("cache/forget.parquet")
    Path(name).unlink()
    Path(name).symlink_to(between)
    purge(find_certificates(CERTIFICATES), KEY)
    assert not any(path.exists() or path.is_symlink() for path in (target, between, Path(name)))


def test_a_hard_link_is_refused_by_name_and_nothing_is_deleted(world):
    name = f"{STATE}/split/forget.parquet"
    (world.folder / "copy").hardlink_to(name)
    with refusals.refused(place=name, got=1):
        purge(find_certificates(CERTIFICATES), KEY)
    assert Path(name).exists() and Path(ORIGINAL).exists()
    assert not Path(CERTIFICATE).with_name("purged.json").exists()


def test_what_cannot_be_deleted_is_refused_by_name(world, monkeypatch):
    name = f"{STATE}/split/forget.parquet"
    target = linked_into_cache(world.folder, name)
    may = os.access
    closed = target.parent
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed and may(path, mode))
    with refusals.refused(place=name) as caught:
        purge(find_certificates(CERTIFICATES), KEY)
    assert str(closed) in str(caught.value)
    assert target.exists() and Path(ORIGINAL).exists()


def test_temporary_copies_that_killed_jobs_left_are_deleted(world):
    strays = [
        f"{STATE}/split/.forget.parquet.0123abcd",
        f"{STATE}/bpr/original/.model.safetensors.x_y1z2w3",
    ]
    kept = f"{STATE}/split/.train.parquet.0123abcd"
    for name in (*strays, kept):
        Path(name).write_text("rows")
    assert set(strays) <= set(purge(find_certificates(CERTIFICATES), KEY))
    assert not any(Path(name).exists() for name in strays) and Path(kept).exists()
    assert len(audited()) == 2


# --- the key, before a run


def test_a_key_that_can_be_made_or_read_is_none_of_the_runs_troubles(tmp_path):
    check_key("results", {"CRAGRU_AUDIT_KEY_FILE": str(tmp_path / "new/folder/audit.key")})
    (tmp_path / "audit.key").write_text("00" * 32)
    check_key("results", {"CRAGRU_AUDIT_KEY_FILE": str(tmp_path / "audit.key")})
    assert [path.name for path in tmp_path.iterdir()] == ["audit.key"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file/audit.key", "CRAGRU_AUDIT_KEY_FILE"),
        ("results/audit.key", "CRAGRU_AUDIT_KEY_FILE"),
        ("short", "64"),
    ],
)
def test_a_key_that_the_last_jobs_will_miss_is_told_before(tmp_path, place, said):
    (tmp_path / "file").touch()
    (tmp_path / "short").write_text("00")
    with refusals.refused(place=tmp_path / place) as caught:
        check_key(tmp_path / "results", {"CRAGRU_AUDIT_KEY_FILE": str(tmp_path / place)})
    assert said in str(caught.value)
