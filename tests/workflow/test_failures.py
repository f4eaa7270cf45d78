"""What goes wrong, and what is said: names, data, altered files, a killed run."""

import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml
from killing import killed, wait_until

from cragru.audit.behind import Behind, shown_files
from cragru.audit.commitment import read_key
from cragru.audit.verification import Verifier, find_certificates
from cragru.core.errors import CragruError
from cragru.kept.files import read_json, sha256

CELL = "results/toy/paper/1/bpr/original"


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"datasets": ["toyy"]}, ["datasets:", "'toyy'", "'toy'?"]),
        ({"sedes": [1]}, ["sedes:", "'sedes'", "'seeds'?"]),
    ],
)
def test_a_wrong_name_in_the_configuration_is_told_in_a_line(
    workflow, configure, tmp_path, change, facts
):
    refused = workflow.run(tmp_path, "--dry-run", config=configure(**change))
    assert refused.rc == 1
    (line,) = [line for line in refused.output.splitlines() if line.startswith("cragru: ")]
    assert not [fact for fact in facts if fact not in line]
    assert "Traceback (most" not in refused.output


def test_what_snakemake_takes_otherwise_is_told_in_a_line(workflow, configure, tmp_path):
    """It would take the last of two keys, and read `null` inside brackets as a text."""
    twice = tmp_path / "twice.yaml"
    twice.write_text(configure().read_text() + "run: other\n")
    refused = workflow.run(tmp_path, "--dry-run", config=twice)
    assert refused.rc == 1
    (line,) = [line for line in refused.output.splitlines() if line.startswith("cragru: ")]
    assert re.match(rf"cragru: {twice}, line \d+: run:.* \d+\b", line)
    words = ["--config", "scoring={llm: null}", "run=none", "--dry-run", "--quiet", "--", "claims"]
    refused = workflow.run(tmp_path, *words, config=configure(tables=["claims"]))
    (line,) = [line for line in refused.output.splitlines() if line.startswith("cragru: ")]
    assert line.startswith("cragru: scoring.llm: ") and "claims" in line


def test_missing_data_are_told_with_what_was_tried_and_what_to_do(
    workflow, configure, toy, tmp_path
):
    refused = workflow.run(tmp_path, "table1", config=configure(data_dir=None))
    assert refused.rc == 1
    (line,) = refused.errors
    assert line.startswith("cragru: error in download: toy:")
    for fact in ("publisher", "mirror", "(http://127.0.0.1", "CRAGRU_DATA_DIR"):
        assert fact in line
    assert not (tmp_path / "results/toy").exists()


def test_a_corrupt_local_copy_stops_the_run(workflow, configure, toy, tmp_path):
    """The environment variable goes before the good copy in the configuration."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/toy.zip").write_bytes(toy.archive.read_bytes()[:-100])
    bad = str(tmp_path / "copy")
    refused = workflow.run(tmp_path / "run", "table1", config=configure(), CRAGRU_DATA_DIR=bad)
    assert refused.rc == 1
    (line,) = refused.errors
    assert f"{bad}/toy.zip:" in line
    assert "corrupt" in line
    assert not (tmp_path / "run/results/raw/toy").exists()


@pytest.mark.slow
def test_an_edited_file_of_ones_own_is_copied_anew_and_a_slip_in_it_named(
    workflow, configure, toy, tmp_path
):
    with zipfile.ZipFile(toy.archive) as archive:
        archive.extractall(tmp_path)
    ratings, registry = tmp_path / "toy/u.data", tmp_path / "datasets.yaml"
    members = dict.fromkeys([path.name for path in ratings.parent.iterdir()])
    own = {"kind": "file", "path": str(ratings.parent), "members": members}
    own |= {"module": "cragru.data.movielens_100k"}
    entry = {"title": "Toy", "version": "1", "licence": "own", "sources": [own]}
    registry.write_text(yaml.safe_dump({"datasets": {"toy": entry}}))
    config = configure({"datasets": str(registry)}, data_dir=None)
    made = "results/toy/prepared/statistics.json"
    assert workflow.make(tmp_path, made, config=config).jobs == {"download": 1, "prepare": 1}
    first, *others = ratings.read_text().splitlines(keepends=True)
    ratings.write_text("".join(others))
    assert workflow.make(tmp_path, made, config=config).jobs == {"download": 1, "prepare": 1}
    assert read_json(tmp_path / made)["interactions"] == len(others)
    ratings.write_text("".join([first, *others, first]))
    refused = workflow.run(tmp_path, made, config=config)
    (line,) = refused.errors
    told = f"{ratings}, line {len(others) + 2}: line 1 has the same user and item"
    assert line.startswith(f"cragru: error in prepare: {told}")
    assert "keep one" in line
    ratings.unlink()
    assert workflow.run(tmp_path, made, config=config).output.count(f"'{ratings}'") == 1


@pytest.mark.slow
def test_an_altered_split_stops_the_evaluation(workflow, one_cell, a_copy):
    with (a_copy / "results/toy/paper/1/split/test.parquet").open("ab") as handle:
        handle.write(b"!")
    (a_copy / f"{CELL}/per-user.parquet").unlink()
    refused = workflow.run(a_copy, f"{CELL}/per-user.parquet", config=one_cell)
    assert refused.rc == 1
    (line,) = refused.errors
    assert line.startswith("cragru: error in evaluate: results/toy/paper/1/split/test.parquet: ")
    assert re.search(r"results/toy/paper/1/split\S*\.json", line)
    assert not (a_copy / f"{CELL}/per-user.parquet").exists()


def flip(path):
    """Flip one bit in the middle of a file, with its times as they were."""
    times, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.slow
def test_a_flipped_bit_stops_a_table_and_deleting_the_file_heals(
    workflow, one_cell, on_one_core, a_copy
):
    """A job whose rule names no manifest reads a file whose rule names none either."""
    flip(a_copy / f"{CELL}/per-user.parquet")
    table = "results/common/tables/table2.csv"
    before = (a_copy / table).read_bytes()
    refused = workflow.run(a_copy, table, "--forcerun", "table", config=one_cell)
    assert refused.rc == 1
    (line,) = refused.errors
    assert line.startswith(f"cragru: error in table: {CELL}/per-user.parquet: ")
    assert f"{CELL}/per-user-manifest.json" in line
    (a_copy / f"{CELL}/per-user.parquet").unlink()
    workflow.make(a_copy, table, config=one_cell)
    assert (a_copy / table).read_bytes() == before


@pytest.mark.slow
def test_the_audit_names_a_flipped_bit_of_every_file(two_seeds, a_copy, workflow, monkeypatch):
    """Every file that a manifest of the run names; in this process, for there are dozens."""
    monkeypatch.chdir(a_copy)
    monkeypatch.setenv("CRAGRU_AUDIT_KEY_FILE", str(workflow.key))

    def audited():
        verifier = Verifier(read_key("results", os.environ))
        for path in find_certificates("results/tiny/certificates"):
            verifier.verify(path)
        verifier.verify_behind(shown_files("results/tiny", []))
        verifier.report()
        return verifier

    audited()
    behind = Behind(lambda name: sha256(name))
    behind.look(shown_files("results/tiny", []))
    inside = sorted(name for name in behind.looked_at if name.startswith("results/"))
    assert {"results/raw/toy/u.data", f"{CELL}/model.safetensors"} <= set(inside)
    assert len(inside) > 40
    for name in inside:
        before = Path(name).read_bytes()
        flip(Path(name))
        with pytest.raises(CragruError, match=re.escape(name)):
            audited()
        Path(name).write_bytes(before)


def test_a_key_that_cannot_be_made_is_told_before_the_first_job(workflow, one_cell, tmp_path):
    (tmp_path / "file").touch()
    refused = workflow.run(
        tmp_path / "run", config=one_cell, CRAGRU_AUDIT_KEY_FILE=str(tmp_path / "file/audit.key")
    )
    assert refused.rc == 1
    (line,) = [line for line in refused.output.splitlines() if line.startswith("cragru: ")]
    assert "audit.key: " in line and f"{tmp_path}/file" in line
    assert not (tmp_path / "run/results/raw").exists()
    assert "Traceback (most" not in refused.output


@pytest.mark.slow
def test_a_killed_run_is_taken_up_to_the_same_bytes(workflow, one_cell, on_one_core, a_copy):
    folder = a_copy / "results/common/tables"
    shutil.rmtree(folder)
    shutil.rmtree(a_copy / CELL)
    log = a_copy / "results/logs/train_original/toy/paper/1/bpr.log"
    log.unlink()
    command = workflow.command(a_copy, config=one_cell)
    assert killed(command, workflow.environment(), lambda: wait_until(log.exists, 120))
    assert not list((a_copy / CELL).glob("*.safetensors"))  # no orphan has worked on
    assert list((a_copy / ".snakemake/locks").iterdir())
    assert list((a_copy / ".snakemake/incomplete").iterdir())
    assert workflow.run(a_copy, "--unlock", config=one_cell).rc == 0
    again = workflow.make(a_copy, config=one_cell)
    assert again.jobs == {
        "train_original": 1,
        "evaluate": 1,
        "table": 1,
        "certificate": 1,
        "all": 1,
    }
    undisturbed = on_one_core / "results/common/tables"
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert made == {path.name: path.read_bytes() for path in undisturbed.iterdir()}
