"""What surrounds a run: limits that nobody's options take away, and variables that jobs must not inherit."""

import os
import subprocess
from types import SimpleNamespace

import pandas as pd
from snakemake.resources import Resources, ResourceScopes

from cragru.core import processor
from cragru.kept.files import read_parquet
from cragru.plan.checkout import without_commit
from cragru.plan.surroundings import hold_limits, shield


def a_run(nodes=None, **given):
    settings = {"nodes": nodes, "_parsed_default_resources": Resources.from_mapping({})}
    return SimpleNamespace(
        resource_scopes=ResourceScopes(),
        global_resources=Resources.from_mapping(given),
        resource_settings=SimpleNamespace(**settings),
    )


def limits(run):
    return {name: one.value for name, one in run.global_resources.items()}


def test_limits_hold_beside_others_and_each_may_be_raised():
    run = a_run(mem_mb=20000, gpu=2)
    hold_limits(run)
    wanted = {"mem_mb": 20000, "gpu": 2, "machine": 1000}
    assert {name: limits(run)[name] for name in wanted} == wanted
    assert run.resource_settings._parsed_default_resources["machine"].value == 1


def test_a_cluster_limits_itself_but_for_what_a_group_does_in_turn():
    run = a_run(nodes=50, mem_mb=20000)
    before = limits(run)
    hold_limits(run)
    assert limits(run) == before | {"in_turn": 1}
    assert run.resource_scopes.is_local("in_turn")


def test_jobs_do_not_inherit_what_would_change_them():
    environment = {
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "DGLBACKEND": "mxnet",
        "PANDAS_FUTURE_INFER_STRING": "1",
        "HOME": "/home/me",
    }
    shield(environment)
    assert environment == {"MPLBACKEND": "agg", "DGLBACKEND": "pytorch", "HOME": "/home/me"}


def test_text_is_read_whatever_type_pandas_gives_it(tmp_path):
    pd.DataFrame({"name": ["a", None]}).to_parquet(tmp_path / "names.parquet")
    with pd.option_context("future.infer_string", True):
        frame = read_parquet(tmp_path / "names.parquet", {"name": "object"})
    assert frame["name"].dtype == object
    assert frame["name"].tolist()[0] == "a"


def test_kinds_of_processors(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")
    assert processor.kind() == "x86_64"
    for flags, kind in (("fpu avx avx2", "x86_64 avx2"), ("avx2 avx512f", "x86_64 avx512f")):
        (tmp_path / "cpuinfo").write_text(f"model name : any\nflags\t\t: {flags}\n")
        assert processor.kind() == kind


def test_a_clone_whose_commit_git_does_not_tell_is_told(tmp_path, monkeypatch):
    """As git does in a checkout of somebody else's; an unpacked archive has none to tell."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert without_commit(tmp_path) is None
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert "HEAD" in without_commit(tmp_path)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    commit = ["git", *who, "commit", "-q", "--allow-empty", "-m", "one"]
    subprocess.run(commit, cwd=tmp_path, check=True)
    assert without_commit(tmp_path) is None
