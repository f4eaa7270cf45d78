"""Certificates through the workflow: built by the default target, verified, altered, and what a purge leaves."""

import json
import re
import shutil
import stat

import pandas as pd
import pytest

from cragru.kept.files import read_json

CERTIFICATE = "results/tiny/certificates/toy/paper/1/certificate.json"
slow = pytest.mark.slow


@slow
@pytest.mark.parametrize(
    ("tables", "figures", "certified"),
    [
        (["table1"], ["figure3"], {"certificate": 2}),
        (["table5"], [], {"certificate": 2}),
        (["table2", "table3", "table4"], ["figure3"], {"certificate": 2, "certificate_request": 2}),
    ],
)
def test_certificates_cost_nothing_but_themselves(
    workflow, configure, tmp_path, tables, figures, certified
):
    methods = ["retrain", "sisa-users", "receraser-ubp", "scif"]
    config = configure(backbones=["bpr"], methods=methods, tables=tables, figures=figures)
    planned = workflow.plan(tmp_path, config=config)
    named = workflow.plan(tmp_path, *tables, *figures, config=config)
    assert {
        name: planned.pop(name)
        for name in ("certificate", "certificate_request")
        if name in planned
    } == certified
    assert planned.pop("all") == 1
    assert planned == {
        name: count for name, count in named.items() if name not in {*tables, *figures}
    }


def test_a_run_without_requests_has_no_certificate(workflow, configure, tmp_path):
    planned = workflow.plan(tmp_path, config=configure(tables=["table1"]))
    assert planned == {"download": 1, "prepare": 1, "table": 1, "all": 1}


def test_audit_without_certificates_says_what_to_do(workflow, configure, tmp_path):
    done = workflow.run(tmp_path, "audit", config=configure())
    assert done.rc != 0
    assert done.errors == [
        "cragru: error in audit: results/tiny: nothing was made yet; run the workflow first"
    ]


@slow
def test_a_finished_run_is_certified_and_audited(workflow, two_seeds, a_copy):
    done = workflow.make(a_copy, "audit", config=two_seeds)
    verified = re.findall(
        r"^cragru: verified (\S+): (\d+) interactions removed", done.output, re.MULTILINE
    )
    forgotten = {
        seed: len(pd.read_parquet(a_copy / f"results/toy/paper/{seed}/split/forget.parquet"))
        for seed in (1, 2)
    }
    assert {path: int(count) for path, count in verified} == {
        f"results/tiny/certificates/toy/paper/{seed}/certificate.json": count
        for seed, count in forgotten.items()
    }


@slow
def test_a_certificate_names_nobody_and_no_place(a_copy, workflow):
    text = (a_copy / CERTIFICATE).read_text()
    key = workflow.key.read_text().strip()
    assert key not in text
    assert str(a_copy) not in text
    for path in a_copy.rglob("*.log"):
        assert key not in path.read_text()
    certificate = json.loads(text)
    assert certificate["guarantees"] == {"retrain": "exact"}
    assert all(
        re.fullmatch("[0-9a-f]{64}", line)
        for line in certificate["commitment"]["removed"]["forget"]
    )


@slow
def test_an_altered_file_is_named_and_a_wrong_key_told_apart(workflow, two_seeds, a_copy, tmp_path):
    model = a_copy / "results/toy/paper/2/bpr/retrain/model.safetensors"
    model.write_bytes(model.read_bytes()[:-1] + b"\x07")
    done = workflow.run(a_copy, "audit", config=two_seeds)
    assert done.rc != 0
    (error,) = done.errors
    assert "results/toy/paper/2/bpr/retrain/model.safetensors" in error and "altered" in error
    assert "results/toy/paper/1" not in error
    assert "verified results/tiny/certificates/toy/paper/1/certificate.json" in done.output
    (tmp_path / "other.key").write_text("00" * 32)
    done = workflow.run(
        a_copy, "audit", config=two_seeds, CRAGRU_AUDIT_KEY_FILE=str(tmp_path / "other.key")
    )
    assert "certificate.json" in done.errors[0] and "key" in done.errors[0]


@slow
def test_what_a_purge_leaves_is_audited(workflow, two_seeds, a_copy):
    done = workflow.make(a_copy, "purge", config=two_seeds)
    gone = [
        "results/toy/paper/1/split/forget.parquet",
        "results/toy/paper/2/bpr/original/model.safetensors",
    ]
    for path in gone:
        assert f"cragru: purged {path}\n" in done.output
        assert not (a_copy / path).exists()
    remaining = read_json(a_copy / CERTIFICATE.replace("certificate.json", "purged.json"))[
        "remains"
    ]
    assert {entry["path"] for entry in remaining} == {
        "results/raw/toy",
        "results/toy/prepared/interactions.parquet",
    }
    done = workflow.make(a_copy, "audit", config=two_seeds)
    assert "files purged" in done.output
    assert workflow.plan(a_copy, config=two_seeds) == {}  # no job that reads it must run
    again = workflow.plan(a_copy, "--forcerun", "evaluate", "table", config=two_seeds)
    assert again.keys() == {"table", "all"}  # nothing that needs what was purged
    shutil.copy2(a_copy / "results/toy/paper/1/split/train.parquet", a_copy / gone[0])
    done = workflow.run(a_copy, "audit", config=two_seeds)
    assert gone[0] in done.errors[0] and "purged" in done.errors[0]


@slow
def test_a_purge_leaves_nothing_in_the_cache(workflow, one_cell, tmp_path):
    """Splits lie in Snakemake's cache, and what the run has are links; there everybody may write them."""
    cache, directory = tmp_path / "cache", tmp_path / "run"
    cache.mkdir(mode=0o750)
    surroundings = {"SNAKEMAKE_OUTPUT_CACHE": str(cache)}
    done = workflow.run(directory, "--cache", config=one_cell, **surroundings)
    assert done.rc == 0, done.output
    forget = directory / "results/toy/paper/1/split/forget.parquet"
    target = forget.resolve()
    assert forget.is_symlink() and target.parent == cache
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    rows = target.read_bytes()
    workflow.make(directory, "purge", config=one_cell)
    assert not target.exists() and not forget.is_symlink()
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == rows
    ]
    workflow.make(directory, "audit", config=one_cell)


@slow
def test_a_deleted_certificate_is_missed(workflow, two_seeds, a_copy):
    (a_copy / CERTIFICATE).unlink()
    for target in ("audit", "purge"):
        done = workflow.run(a_copy, target, config=two_seeds)
        assert done.rc != 0
        assert f"{CERTIFICATE}: " in done.errors[0]
    assert (a_copy / "results/toy/paper/1/split/forget.parquet").exists()


@slow
def test_a_request_of_one_user_with_shards(workflow, configure, unlearned, tmp_path):
    methods = ["sisa-users", "ifru"]
    config = configure(
        run="times",
        backbones=["bpr"],
        seeds=[1],
        methods=methods,
        tables=["table3"],
        requests={"one_user": 1},
    )
    others = shutil.ignore_patterns("receraser-ubp")  # not in this run, so its purge would leave it
    directory = shutil.copytree(unlearned, tmp_path / "run", ignore=others)
    workflow.make(directory, config=config, cores=2)
    certificate = read_json(
        directory / "results/times/certificates/toy/one-user/1/draw-1/certificate.json"
    )
    assert certificate["guarantees"] == {"sisa-users": "exact", "ifru": "approximate"}
    assert [check["unchanged"] for check in certificate["checks"] if "unchanged" in check] == [2]
    workflow.make(directory, "purge", config=config)
    state = directory / "results/toy/one-user/1"
    assert not [*state.glob("bpr/*/before/**/*.safetensors"), *state.glob("split/*.parquet")]
    workflow.make(directory, "audit", config=config)
