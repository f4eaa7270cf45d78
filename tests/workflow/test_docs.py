"""Every command in the README and the docs is run: Snakemake's as dry runs here, make's by CI."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "results" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_BY_CI = {"make run", "make test", "make bench", "make benchllm", "make benchshards"}
WITHOUT_DRY_RUN = {"--unlock", "-n"}


def blocks(page, language):
    """Contents of a page's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands():
    """Commands with the page they are on, comments removed."""
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                yield pytest.param(line.split("  #")[0].strip(), id=f"{page.name}: {line.strip()[:60]}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with the files that docs/protocols.md shows."""
    folder = tmp_path_factory.mktemp("docs")
    page = ROOT / "docs" / "protocols.md"
    (folder / "my.yaml").write_text(blocks(page, "yaml")[0])
    (folder / "requests").mkdir()
    (folder / "requests" / "spring.csv").write_text(blocks(page, "csv")[0])
    return folder


@pytest.mark.parametrize("command", commands())
def test_command(command, folder):
    words = shlex.split(command)
    settings = dict(word.split("=", 1) for word in words if re.match(r"^[A-Z_]+=", word))
    words = [word for word in words if not re.match(r"^[A-Z_]+=", word)]
    if words[0] == "make":
        assert shlex.join(words) in RUN_BY_CI
        assert shlex.join(words) in (ROOT / ".ci" / "run").read_text()
    elif words[0] == "snakemake":
        dry_run(words[1:], settings, folder)
    elif words[0] == "cat":
        answer = dry_run(["-n", words[1]], {}, folder)
        assert f"output: {words[1]}" in answer or words[1] in answer
    else:
        assert command == ". .venv/bin/activate"


def dry_run(arguments, settings, folder):
    """Plan what the command asks for, in the folder; fail with what Snakemake said."""
    if "my.yaml" in arguments:
        arguments[arguments.index("my.yaml")] = str(folder / "my.yaml")
    if not WITHOUT_DRY_RUN & set(arguments):
        arguments = [*arguments, "-n"]
    cache = {name: str(folder / "cache") for name in settings if name == "SNAKEMAKE_OUTPUT_CACHE"}
    (folder / "cache").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--directory", str(folder), *arguments],
        cwd=ROOT,
        env=os.environ | cache,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_what_ci_runs_stands_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in RUN_BY_CI:
        assert command in text
