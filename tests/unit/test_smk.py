import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cragru import smk
from cragru.digest import code_digest
from cragru.errors import CragruError
from cragru.io import sha256, write_json

ROOT = Path(__file__).parents[2]

# A script of a rule, with what Snakemake would inject: `job` is the test's, `work` is pasted in.
SCRIPT = """
import json, sys
from types import SimpleNamespace
from snakemake.iocontainers import Namedlist

job = json.load(open("job.json"))
named = {{key: Namedlist(fromdict=job[key]) for key in ("input", "output", "params", "wildcards")}}
snakemake = SimpleNamespace(**named, rule="bake", threads=job["threads"], log=job["log"])
{before}
from cragru.errors import CragruError
from cragru.roles import Role
from cragru.smk import stage

def work(job):
{work}

stage(snakemake, work{role})
"""


class Kitchen:
    """A folder to run one script in."""

    def __init__(self, folder):
        self.folder = folder
        self.log = "logs/bake/one.log"

    def run(self, *work, before="", role=None, **job):
        self.folder.mkdir(exist_ok=True)
        defaults = {
            "input": {},
            "output": {},
            "params": {},
            "wildcards": {},
            "threads": 1,
            "log": [self.log],
        }
        (self.folder / "job.json").write_text(json.dumps(defaults | job))
        body = "".join(f"    {line}\n" for line in work)
        stated = f", role=Role.{role}" if role else ""
        (self.folder / "script.py").write_text(SCRIPT.format(work=body, before=before, role=stated))
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "GIT_DIR": str(self.folder / "no-repository"),
        }
        command = [sys.executable, "script.py"]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def logged(self):
        return (self.folder / self.log).read_text()


@pytest.fixture
def kitchen(tmp_path):
    return Kitchen(tmp_path / "kitchen")


def test_expected_failure_is_one_line_and_the_log_has_the_rest(kitchen):
    done = kitchen.run("raise CragruError('flour.csv: empty; buy some')")
    assert done.returncode == 1
    assert done.stderr == "cragru: error in bake: flour.csv: empty; buy some\n"
    assert done.stdout == ""
    assert "Traceback (most recent call last)" in kitchen.logged()
    assert "raise CragruError('flour.csv: empty; buy some')" in kitchen.logged()
    assert "ERROR cragru: error in bake: flour.csv" in kitchen.logged()


def test_unexpected_failure_shows_the_traceback(kitchen):
    done = kitchen.run("return {}['salt']")
    assert done.returncode == 1
    for text in (done.stderr, kitchen.logged()):
        assert "unexpected error in bake; this is a bug of cragru" in text
        assert "Traceback (most recent call last)" in text
        assert "KeyError: 'salt'" in text


def test_failure_writes_no_manifest(kitchen):
    for error in ("CragruError", "ValueError"):
        assert (
            kitchen.run(f"raise {error}('no')", output={"manifest": "manifest.json"}).returncode
            == 1
        )
        assert not (kitchen.folder / "manifest.json").exists()


def test_messages_go_to_the_screen_and_the_log_which_starts_anew(kitchen):
    say = "import logging; logging.getLogger('cragru.oven').{}('{}')"
    kitchen.run(say.format("info", "old"))
    done = kitchen.run(say.format("info", "hot"), say.format("debug", "detail"))
    assert (done.returncode, done.stderr) == (0, "cragru: hot\n")
    assert "INFO cragru.oven: hot" in kitchen.logged()
    assert "DEBUG cragru.oven: detail" in kitchen.logged()
    assert "old" not in kitchen.logged()


def test_rule_without_log_and_manifest(kitchen):
    done = kitchen.run("open('bread', 'w').write('bread')", log=[], output={"bread": "bread"})
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in kitchen.folder.iterdir()) == [
        "bread",
        "job.json",
        "script.py",
    ]


# --- the manifest

BAKE = ("open('out/bread', 'w').write(open('in/flour').read() * 2)", "return {'device': 'oven'}")


def bake(folder):
    """Bake in `folder`, with a code parameter as rules have it; returns the manifest's bytes and that parameter."""
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    (folder / "in" / "flour").write_text("flour")
    (folder / "out" / "manifest.json").write_text("of an earlier run")
    code = code_digest("scripts/prepare.py")
    job = {
        "input": {"flour": "in/flour", "folder": "in"},
        "output": {"bread": "out/bread", "manifest": "out/manifest.json"},
        "params": {"heat": 200, "code": code},
        "wildcards": {"seed": "1"},
    }
    done = Kitchen(folder).run(*BAKE, role="DEPLOYS", **job)
    assert (done.returncode, done.stderr) == (0, "")
    return (folder / "out" / "manifest.json").read_bytes(), code


def test_manifest_says_what_was_made_from_what(tmp_path):
    written, code = bake(tmp_path / "one")
    manifest = json.loads(written)
    versions = manifest.pop("versions")
    assert manifest == {
        "rule": "bake",
        "role": "deploys",
        "wildcards": {"seed": "1"},
        "params": {"heat": 200},
        "code": code,
        "commit": None,
        "inputs": {"in/flour": sha256(tmp_path / "one/in/flour")},
        "outputs": {"out/bread": sha256(tmp_path / "one/out/bread")},
        "facts": {"device": "oven"},
    }
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "pandas", "torch", "snakemake"} <= set(versions)


@pytest.fixture
def pantry(tmp_path, monkeypatch):
    """A folder with files of its own, in a folder of it, and Snakemake's; made by a job with a manifest beside it."""
    monkeypatch.chdir(tmp_path)
    for name in ("flour", "spices/salt", "spices/.rare", ".snakemake_timestamp"):
        path = tmp_path / "larder/pantry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "larder/pantry"


def made(*inputs, outputs=None):
    """The inputs and outputs of a manifest."""
    wanted = {
        "params": {},
        "wildcards": {},
        "rule": "bake",
        "output": outputs or {},
        "input": list(inputs),
    }
    manifest = smk._manifest(SimpleNamespace(**wanted), {}, None)
    return manifest["inputs"], manifest["outputs"]


PANTRY = {
    f"larder/pantry/{name}": hashlib.sha256(name.encode()).hexdigest()
    for name in ("flour", "spices/salt", "spices/.rare")
}


def test_every_file_of_a_folder_is_in_the_manifest(pantry):
    assert made("larder/pantry", outputs={"folder": "larder/pantry"}) == (PANTRY, PANTRY)


def test_an_empty_folder_has_no_files(tmp_path):
    (tmp_path / "empty").mkdir()
    assert made(str(tmp_path / "empty")) == ({}, {})


def test_a_folder_is_not_hashed_anew_where_its_maker_has_done_so(pantry, monkeypatch):
    write_json(
        "larder/stock-manifest.json", {"outputs": PANTRY | {"larder/list": "of another place"}}
    )
    monkeypatch.setattr(smk, "sha256", lambda path: f"hashed {path}")
    assert made("larder/pantry") == (PANTRY, {})
    # what this job made is of no earlier manifest
    assert set(made(outputs={"folder": "larder/pantry"})[1].values()) == {
        f"hashed {path}" for path in PANTRY
    }


def test_what_is_younger_than_its_makers_manifest_is_hashed_anew(pantry):
    write_json("larder/manifest.json", {"outputs": dict.fromkeys(PANTRY, "of the maker")})
    younger = Path("larder/manifest.json").stat().st_mtime_ns + 1
    os.utime(pantry / "flour", ns=(younger, younger))
    assert made("larder/pantry")[0] == dict.fromkeys(PANTRY, "of the maker") | {
        "larder/pantry/flour": PANTRY["larder/pantry/flour"]
    }


def test_what_the_makers_manifest_does_not_tell_is_hashed(pantry):
    write_json("larder/manifest.json", {"outputs": {"larder/pantry/flour": "of the maker"}})
    assert made("larder/pantry")[0] == PANTRY | {"larder/pantry/flour": "of the maker"}


def test_equal_work_gives_equal_bytes_wherever_and_whenever(tmp_path):
    first, _ = bake(tmp_path / "one")
    second, _ = bake(tmp_path / "two")
    assert first == second
    assert str(tmp_path).encode() not in first
    assert str(ROOT).encode() not in first


def test_commit_is_that_of_the_repository(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(smk, "ROOT", tmp_path)
    assert smk._commit() is None
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert smk._commit() == head.stdout.strip()


# --- the code guard


def test_guard_compares_the_code_of_all_roots():
    code = code_digest("scripts/prepare.py", "cragru.data.archives")
    smk._check_code(SimpleNamespace(params={"code": code}))
    other = {**code, "digest": code_digest("scripts/prepare.py", "cragru.data.download")["digest"]}
    with pytest.raises(
        CragruError,
        match=r"^scripts/prepare\.py: its code was edited after .*; run the same command",
    ):
        smk._check_code(SimpleNamespace(params={"code": other}))


def test_rule_without_a_code_parameter_is_not_guarded():
    smk._check_code(SimpleNamespace(params={}))


def test_guard_stops_before_any_work(kitchen):
    code = {**code_digest("scripts/prepare.py"), "digest": "0" * 16}
    done = kitchen.run("open('bread', 'w')", params={"code": code})
    assert done.returncode == 1
    assert done.stderr.startswith(
        "cragru: error in bake: scripts/prepare.py: its code was edited after this job was"
    )
    assert done.stderr.count("\n") == 1
    assert not (kitchen.folder / "bread").exists()


# --- the process


def test_threads_and_death_follow_snakemake(kitchen):
    look = (
        "import ctypes, os, sys",
        "signal = ctypes.c_int()",
        "ctypes.CDLL(None).prctl(2, ctypes.byref(signal))",  # PR_GET_PDEATHSIG
        "print(os.environ['OMP_NUM_THREADS'], sys.modules['torch'].get_num_threads(), signal.value)",
    )
    done = kitchen.run(*look, before="import torch", threads=3)
    assert (done.stdout, done.returncode) == ("3 3 9\n", 0)
