import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cragru import job
from cragru.core import processor
from cragru.core.errors import CragruError
from cragru.kept.files import sha256, write_json
from cragru.rerun.digest import AS_PLANNED, code_digest, state

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
from cragru.core.errors import CragruError
from cragru.core.roles import Role
from cragru.job import stage

def work(job):
{work}

stage(snakemake, work{role})
"""


class Kitchen:
    """A folder to run one script in."""

    def __init__(self, folder):
        self.folder = folder
        self.log = "logs/bake/one.log"

    def run(self, *work, before="", role=None, has_record=False, **job):
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
        stated += ", has_record=True" if has_record else ""
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


def test_signs_of_life_go_to_the_log_alone(kitchen):
    done = kitchen.run(
        "from cragru.core import progress",
        "progress.LINE_EVERY = -1",
        "list(progress.Progress('ab', 'bake', 2, 'loaf'))",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "bake: loaf 2 of at most 2" in kitchen.logged()


def test_rule_without_log(kitchen):
    done = kitchen.run("open('bread', 'w').write('bread')", log=[], output={"bread": "bread"})
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in kitchen.folder.iterdir()) == [
        "bread",
        "bread-manifest.json",
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
    assert re.fullmatch("[0-9a-f]{64}", manifest.pop("sha256"))
    assert manifest == {
        "rule": "bake",
        "role": "deploys",
        "wildcards": {"seed": "1"},
        "params": {"heat": 200},
        "code": code,
        "commit": None,
        "processor": processor.kind(),
        "inputs": {"in/flour": sha256(tmp_path / "one/in/flour")},
        "outputs": {"out/bread": sha256(tmp_path / "one/out/bread")},
        "facts": {"device": "oven"},
    }
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "pandas", "torch", "snakemake"} <= set(versions)


@pytest.mark.parametrize("name", ["flour", "bag/flour"])
def test_an_input_that_is_not_as_it_was_made_stops_the_job_before_any_work(kitchen, name):
    path = kitchen.folder / "results/toy" / name
    path.parent.mkdir(parents=True)
    path.write_text("flour")
    told = {"outputs": {f"results/toy/{name}": sha256(path)}}
    write_json(kitchen.folder / "results/toy/manifest.json", told)
    read = Path("results/toy", name).parts[2]
    job = {"input": {"read": f"results/toy/{read}"}, "output": {"bread": "bread"}}
    write = "open('bread', 'w').write('bread')"
    assert kitchen.run(write, **job).returncode == 0
    (kitchen.folder / "bread").unlink()
    path.write_text("Flour")
    done = kitchen.run(write, **job)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"cragru: error in bake: results/toy/{name}: is not the file that its job wrote: its SHA-256 is "
    )
    assert done.stderr.count("\n") == 1
    assert not (kitchen.folder / "bread").exists()


def test_a_job_whose_rule_names_no_manifest_has_one_beside_its_first_output(kitchen):
    done = kitchen.run(
        "open('bread.csv', 'w').write('bread')", output={"csv": "bread.csv", "md": "bread.md"}
    )
    assert (done.returncode, done.stderr) == (0, "")
    manifest = json.loads((kitchen.folder / "bread-manifest.json").read_text())
    assert (manifest["rule"], manifest["role"]) == ("bake", None)
    assert manifest["outputs"] == {"bread.csv": sha256(kitchen.folder / "bread.csv")}


def test_a_failed_job_leaves_no_manifest_of_an_earlier_one(kitchen):
    kitchen.run("open('bread', 'w').write('bread')", output={"bread": "bread"})
    assert (kitchen.folder / "bread-manifest.json").exists()
    kitchen.run("raise CragruError('burnt')", output={"bread": "bread"})
    assert not (kitchen.folder / "bread-manifest.json").exists()


def test_what_tells_its_own_checksums_has_no_manifest(kitchen):
    work = "open('bread', 'w').write('bread')"
    done = kitchen.run(work, output={"bread": "bread"}, has_record=True)
    assert done.returncode == 0
    assert not list(kitchen.folder.glob("*manifest.json"))


def test_an_empty_folder_has_no_files(kitchen):
    (kitchen.folder / "empty").mkdir(parents=True)
    done = kitchen.run("pass", input={"a": "empty"}, output={"manifest": "manifest.json"})
    assert done.returncode == 0
    assert json.loads((kitchen.folder / "manifest.json").read_text())["inputs"] == {}


# --- failures of the machine


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (
            "raise OSError(28, 'No space left on device')",
            "out: no space is left on the disk; free some, and run the same command again",
        ),
        (
            "raise PermissionError(13, 'Permission denied', 'out/bread')",
            "out/bread: permission denied; see that you may read files there and write into its folder, and run the "
            "same command again",
        ),
        (
            "raise MemoryError()",
            "out: no memory is left; use fewer cores or a machine with more, and run the same command again",
        ),
    ],
)
def test_a_failure_of_the_machine_is_one_line(kitchen, work, said):
    done = kitchen.run(work, output={"bread": "out/bread"})
    assert (done.returncode, done.stderr) == (1, f"cragru: error in bake: {said}\n")
    assert "Traceback (most recent call last)" in kitchen.logged()


def test_a_log_that_cannot_be_written_is_told_once(kitchen):
    """/dev/full is a disk without space."""
    kitchen.folder.mkdir()
    (kitchen.folder / "full.log").symlink_to("/dev/full")
    say = "import logging; [logging.getLogger('cragru').info('hot') for _ in range(3)]"
    done = kitchen.run(say, log=["full.log"])
    assert done.returncode == 0
    assert done.stderr.count("the log cannot be written any more: no space is left") == 1
    assert done.stderr.count("cragru: hot") == 3
    assert "Traceback" not in done.stderr


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
    assert job.commit(tmp_path)[0] is None
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert job.commit(tmp_path) == (head.stdout.strip(), "")
    inside = tmp_path / "archive"
    inside.mkdir()
    assert job.commit(inside) == (None, f"the repository is {tmp_path}")


# --- the code guard


def test_guard_compares_the_code_of_all_roots():
    code = code_digest("scripts/prepare.py", "cragru.data.archives")
    job._check_code(SimpleNamespace(params={"code": code}))
    other = {**code, "digest": code_digest("scripts/prepare.py", "cragru.data.download")["digest"]}
    with pytest.raises(
        CragruError,
        match=r"^scripts/prepare\.py: ",
    ):
        job._check_code(SimpleNamespace(params={"code": other}))


def test_guard_trusts_the_state_that_the_run_was_planned_with(monkeypatch):
    other = {**code_digest("scripts/prepare.py"), "digest": "0" * 16}
    monkeypatch.setenv(AS_PLANNED, state())
    job._check_code(SimpleNamespace(params={"code": other}))
    monkeypatch.setenv(AS_PLANNED, "0" * 64)
    with pytest.raises(CragruError, match="edited after this job was planned"):
        job._check_code(SimpleNamespace(params={"code": other}))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("cragru/a/b.py", "x = 2\n"),
        ("cragru/new.py", ""),
        ("scripts/s.py", "1\n"),
        ("scripts/notes.txt", None),
    ],
)
def test_any_edit_of_a_module_or_script_is_another_state(tmp_path, path, content):
    for name in ("cragru/a/b.py", "scripts/s.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x = 1\n")
    before = state(tmp_path)
    (tmp_path / path).write_text(content or "")
    assert (state(tmp_path) == before) == (content is None)


def test_rule_without_a_code_parameter_is_not_guarded():
    job._check_code(SimpleNamespace(params={}))


def test_guard_stops_before_any_work(kitchen):
    code = {**code_digest("scripts/prepare.py"), "digest": "0" * 16}
    done = kitchen.run("open('bread', 'w')", params={"code": code})
    assert done.returncode == 1
    assert done.stderr.startswith(
        "cragru: error in bake: scripts/prepare.py: edited after this job was"
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
