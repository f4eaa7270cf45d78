"""Every command in the README and the docs is run: Snakemake's as dry runs here, make's by CI."""

import functools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser
from snakemake_calls import surroundings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "results" / "README.md"]
PAGES += [*sorted((ROOT / "docs").glob("*.md"))]
DATA = Path(os.environ.get("CRAGRU_DATA_DIR") or ROOT.parent / "shared" / "data")
RUN_BY_CI = {
    "make run",
    "make test",
    "make bench",
    "make benchllm",
    "make benchshards",
    "make benchreliability",
}
AS_THEY_STAND = {
    "-n",
    "--unlock",
    "--touch",
}  # what a command with one of these does is not a plan of its targets


def blocks(page, language):
    """Contents of a page's fenced blocks of a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands():
    """Commands with the page they are on, comments removed; test_extending.py runs those of its page for true."""
    for page in PAGES:
        if page.name == "extending.md":
            continue
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                yield pytest.param(
                    line.split("  #")[0].strip(), id=f"{page.name}: {line.strip()[:60]}"
                )


def words_of(command):
    """Settings before a command, and its words."""
    words = shlex.split(command)
    settings = dict(word.split("=", 1) for word in words if re.match(r"^[A-Z_]+=", word))
    return settings, [word for word in words if not re.match(r"^[A-Z_]+=", word)]


def plan_of(command):
    """Which plan a command belongs to, that of its settings and options, and what it wants of it.

    Snakemake's own parser reads the words in their order. How many cores there are changes no plan.
    """
    settings, words = words_of(command)
    if words[0] == "cat":
        words = ["snakemake", "--cores", "all", words[1]]
    said = get_argument_parser().parse_args(words[1:])
    options = [word for word in words[1:] if word not in said.targets]
    place = options.index("--cores")
    rest = options[:place] + options[place + 2 :]
    return (tuple(settings.items()), tuple(rest)), said.targets or ["all"]


def planned_commands():
    """Those that are one of several on a plan."""
    for param in commands():
        (command,) = param.values
        words = words_of(command)[1]
        if words[0] in ("snakemake", "cat") and not AS_THEY_STAND & set(words):
            yield command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with the files that docs/protocols.md shows."""
    folder = tmp_path_factory.mktemp("docs")
    page = ROOT / "docs" / "protocols.md"
    (folder / "my.yaml").write_text(blocks(page, "yaml")[0])
    (folder / "requests").mkdir()
    (folder / "requests" / "spring.csv").write_text(blocks(page, "csv")[0])
    (folder / "home" / "Downloads").mkdir(parents=True)  # the publisher's archive lies there
    return folder


@pytest.fixture(scope="module")
def plan(folder):
    """One dry run for all commands with the same settings and options: makes what all of them want."""
    wanted = {}
    for command in planned_commands():
        key, targets = plan_of(command)
        wanted.setdefault(key, {}).update(dict.fromkeys(targets))

    @functools.cache
    def plan(key):
        settings, options = key
        return run_snakemake(
            [*wanted[key], "--cores", "all", *options, "-n"], dict(settings), folder
        )

    return plan


@pytest.mark.parametrize("command", commands())
def test_command(command, folder, plan):
    settings, words = words_of(command)
    if words[0] == "make":
        assert shlex.join(words) in RUN_BY_CI
        assert shlex.join(words) in (ROOT / ".ci" / "run").read_text()
    elif AS_THEY_STAND & set(words):
        run_snakemake([*words[1:], *(["-n"] if "--touch" in words else [])], settings, folder)
    elif words[0] in ("snakemake", "cat"):
        key, targets = plan_of(command)
        answer = plan(key)
        for target in targets:
            assert is_planned(target, answer), answer
    else:
        assert command == ". .venv/bin/activate"


@pytest.mark.skipif(not DATA.exists(), reason="set CRAGRU_DATA_DIR to the publisher's archives")
def test_the_command_with_a_cache_runs_on_a_fresh_machine(folder):
    """For true, as far as the first file that is shared; nobody has made the cache's folder."""
    (command,) = {param.values[0] for param in commands() if "--cache" in param.values[0]}
    settings, words = words_of(command)
    first = [
        "results/raw/ml-100k",
        *words[1:],
    ]  # before `--cache`, which takes what follows for rules
    run_snakemake(first, settings | {"CRAGRU_DATA_DIR": str(DATA)}, folder)
    (cache,) = (folder / "home" / ".cache").iterdir()
    assert [path.name for path in cache.glob("*")] != []


def is_planned(target, answer):
    """Whether a dry run has a job of this rule, or one that makes this file."""
    made = r"^ *(?:output|Reason: Missing output files): (?:[^;\n]*, )?"
    return re.search(
        rf"^{re.escape(target)} +1$|{made}{re.escape(target)}(?:[,;]|$)", answer, re.MULTILINE
    )


def run_snakemake(arguments, settings, folder):
    """Snakemake in the folder; fail with what it said."""
    arguments = [str(folder / "my.yaml") if word == "my.yaml" else word for word in arguments]
    home = str(folder / "home")
    settings = {name: re.sub("^~", home, value) for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--directory", str(folder), *arguments],
        cwd=ROOT,
        env=surroundings() | settings,
        stdin=subprocess.DEVNULL,
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
