"""A clone that another machine made: its git may be set to change line ends, which bash and make do not survive."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def git(tmp_path_factory):
    """Calls git, without the settings of whoever runs the tests; the checkout may be another user's."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text("[safe]\n\tdirectory = *\n")
    surroundings = os.environ | {"GIT_CONFIG_GLOBAL": str(settings), "GIT_CONFIG_NOSYSTEM": "1"}

    def call(*arguments, folder=ROOT):
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture(scope="module")
def tracked(git):
    """Tracked files: how their lines end in the repository and here, what kind they are, their names."""
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    lines = git("ls-files", "--eol").splitlines()
    assert len(lines) > 300
    return [(*line.split("\t")[0].split(maxsplit=2), line.split("\t")[1]) for line in lines]


def test_every_text_file_has_lf(tracked):
    for kept, here, attributes, name in tracked:
        if kept == "i/-text":  # a binary file
            continue
        assert kept in ("i/lf", "i/none"), name
        assert here in ("w/lf", "w/none"), name
        assert "eol=lf" in attributes, name


def test_a_clone_by_a_git_that_writes_crlf_works(git, tracked, tmp_path):
    git("clone", "--quiet", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone"))
    folder = tmp_path / "clone"
    lines = git("ls-files", "--eol", folder=folder).splitlines()
    wrong = [line for line in lines if "w/crlf" in line or "w/mixed" in line]
    assert wrong == []
    assert git("status", "--porcelain", folder=folder) == ""
    listed = subprocess.run(
        ["make", "help"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "run the workflow" in listed.stdout
    for script in ("envs/install.sh", "envs/lock.sh", ".ci/run"):
        subprocess.run(["bash", "-n", script], cwd=folder, check=True)
