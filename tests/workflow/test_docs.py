"""Every command in the README and the docs: Snakemake's are read and planned here, Python's run, make's run by CI.

A command is read by Snakemake's own parser, and its configuration as a run reads it. What is planned is each file of
configuration, once, with all that commands want of it: a flag, or a value on the command line, changes no rule.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser, parse_config
from snakemake.utils import update_config
from snakemake_calls import Workflow, surroundings

from cragru.config.base import load_yaml
from cragru.config.given import take_command_line
from cragru.plan.loading import load_project
from cragru.reporting import gathered
from cragru.written.paths import check_variables

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "results" / "README.md"]
PAGES += [ROOT / "config" / "README.md"]
PAGES += [*sorted((ROOT / "docs").glob("*.md"))]
DATA = Path(os.environ.get("CRAGRU_DATA_DIR") or ROOT.parent / "shared" / "data")
RUN_BY_CI = {
    "make run",
    "make report",
    "make test",
    "make bench",
    "make benchrecbole",
    "make benchbackbones",
    "make benchllm",
    "make benchshards",
    "make benchcosts",
    "make benchreliability",
}
PLANNED = ("snakemake", "cat", "cp")  # what they want is planned
SHIPPED, LARGE = "config/config.yaml", "config/paper.yaml"


def blocks(page, language):
    """Contents of a page's fenced blocks of a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def named_blocks(page):
    """Names and contents of a page's YAML blocks whose first line is the name of a file of one's own."""
    for block in blocks(page, "yaml"):
        name = block.partition("\n")[0].removeprefix("# ")
        if re.fullmatch(r"[\w-]+\.yaml", name):
            yield name, block


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


def at_home(settings, folder):
    """Settings as a shell hands them on, with a home in the working directory."""
    home = str(folder / "home")
    return {name: re.sub("^~", home, text) for name, text in settings.items()}


def read(words):
    """What Snakemake's own parser makes of a command; to look at a file is to want it."""
    if words[0] == "cat":
        own = ["--configfile", "service.yaml"] if "/service/" in words[1] else []
        words = ["snakemake", "--cores", "all", words[1], *own]
    elif words[0] == "cp":  # results of a run, whose configuration has its name
        run = Path(words[1]).parts[1]
        words = ["snakemake", *words[1:-1], "--cores", "all", "--configfile", f"config/{run}.yaml"]
    return get_argument_parser().parse_args(words[1:])


def planned_by(said):
    """The file of configuration whose plan shows what a command makes."""
    (file,) = said.configfile or [SHIPPED]
    return str(file)


def wanted():
    """For each file of configuration what all commands want of it."""
    targets = {}
    for param in commands():
        (command,) = param.values
        words = words_of(command)[1]
        if words[0] in PLANNED:
            said = read(words)
            more = dict.fromkeys(said.targets or ["all"])
            targets.setdefault(planned_by(said), {}).update(more)
    return targets


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with the files that the pages show."""
    folder = tmp_path_factory.mktemp("docs")
    page = ROOT / "docs" / "protocols.md"
    (folder / "my.yaml").write_text(blocks(page, "yaml")[0])
    (folder / "autumn.csv").write_text("user,item\n196,\n")  # README's `printf` writes the same
    readmes = [ROOT / "README.md", ROOT / "config" / "README.md"]
    for shows in (*readmes, ROOT / "docs" / "workflow.md", page):
        for name, text in named_blocks(shows):
            (folder / name).write_text(text)
    (folder / "requests").mkdir()
    (folder / "requests" / "spring.csv").write_text(blocks(page, "csv")[0])
    downloads = folder / "home" / "Downloads"  # the publishers' archives lie there
    downloads.mkdir(parents=True)
    for name in ("movie_titles.csv", "combined_data_1.txt"):
        (downloads / name).touch()
    return folder


@pytest.fixture(scope="module")
def plan(folder):
    """What a dry run of a file of configuration says, with all targets that commands name."""
    answers = {}

    def plan(file):
        if file not in answers:
            own = {"CRAGRU_DATA_DIR": str(folder / "home" / "Downloads")} if file == LARGE else {}
            command = [*wanted()[file], "--dry-run"]
            snakemake = Workflow(ROOT, folder / "audit.key")
            done = snakemake.run(folder, *command, config=place_of(file, folder), **own)
            assert done.rc == 0, done.output
            answers[file] = done
        return answers[file]

    return plan


def place_of(file, folder):
    """Where a file of configuration lies: one that a page shows is in the working directory."""
    return folder / file if (folder / file).exists() else ROOT / file


@pytest.mark.parametrize("command", commands())
def test_command(command, folder, plan, monkeypatch):
    settings, words = words_of(command)
    if words[0] == "make":
        assert shlex.join(words) in RUN_BY_CI
        assert shlex.join(words) in (ROOT / ".ci" / "run").read_text()
    elif words[0] in PLANNED:
        said = read(words)
        monkeypatch.chdir(folder)
        for name, value in at_home(settings, folder).items():
            monkeypatch.setenv(name, value)
        check_configuration(said, at_home(settings, folder), folder)
        answer = plan(planned_by(said)).output
        for target in said.targets:
            assert is_planned(target, answer), answer
            assert not (said.config and "/" in target), "its plan would be of another configuration"
    elif words[0] == "python":
        run_by_python(words[1:])
    elif words[0] == "printf":
        subprocess.run(command, shell=True, cwd=folder, check=True)
    elif words[0] == "squeue":
        assert words[:2] == ["squeue", "--me"]
        assert '"^squeue --me ' in (ROOT / "tests/workflow/test_slurm_run.py").read_text()
    else:
        assert command == ". .venv/bin/activate"


def test_the_papers_grid_is_as_large_as_the_page_says(plan):
    page = (ROOT / "docs" / "workflow.md").read_text(encoding="utf-8")
    said = re.search(r"paper's grid: ([\d,]+) jobs, ([\d,]+) of them single requests", page)
    jobs = plan(LARGE).jobs
    requests = [jobs[name] for name in jobs if name.startswith("unlearn_request")]
    assert [int(number.replace(",", "")) for number in said.groups()] == [
        sum(jobs.values()),
        sum(requests),
    ]


def run_by_python(words):
    """Run a program for true; of pytest, which runs these very tests, one file."""
    if words[:2] == ["-m", gathered.__name__]:  # tests/unit/test_gathered.py has runs for it
        assert gathered.options_of(words[2:]).folders
        return
    one = ["-n", "0", "tests/unit/test_yaml_text.py"] if "pytest" in words else []
    done = subprocess.run(
        [sys.executable, *words, *one],
        cwd=ROOT,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if one else 0), done.stdout + done.stderr
    assert not one or " failed, " in done.stdout  # those that hold a whole sentence


def check_configuration(said, settings, folder):
    """Refuse what a run with these words and these variables would refuse."""
    check_variables(settings)
    config = load_yaml(ROOT / SHIPPED)
    for file in said.configfile or []:
        update_config(config, load_yaml(place_of(str(file), folder)))
    if said.config:
        update_config(config, parse_config(said.config))
        take_command_line(config, said.config)
    load_project(config, ROOT)


@pytest.mark.skipif(not DATA.exists(), reason="set CRAGRU_DATA_DIR to the publisher's archives")
def test_the_command_with_a_cache_runs_on_a_fresh_machine(folder):
    """For true, as far as the first file that is shared; nobody has made the cache's folder."""
    (command,) = {param.values[0] for param in commands() if "--cache" in param.values[0]}
    settings, words = words_of(command)
    first = "results/raw/ml-100k"  # before `--cache`, which takes what follows for rules
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--directory", str(folder), first, *words[1:]],
        cwd=ROOT,
        env=surroundings() | at_home(settings, folder) | {"CRAGRU_DATA_DIR": str(DATA)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (cache,) = (folder / "home" / ".cache").iterdir()
    assert [path.name for path in cache.glob("*")] != []


def is_planned(target, answer):
    """Whether a dry run has a job of this rule, or one that makes this file."""
    made = r"^ *(?:output|Reason: Missing output files): (?:[^;\n]*, )?"
    return re.search(
        rf"^{re.escape(target)} +1$|{made}{re.escape(target)}(?:[,;]|$)", answer, re.MULTILINE
    )


def test_what_is_laid_over_the_default_run_is_a_run_of_its_own():
    """Else who tries an example overwrites the tables of the default run."""
    examples = [blocks(ROOT / "docs" / "protocols.md", "yaml")[0]]
    for page in PAGES:
        examples += [text for _, text in named_blocks(page)]
    own = [yaml.safe_load(text).get("run") for text in examples]
    for param in commands():
        words = words_of(*param.values)[1]
        if words[0] == "snakemake" and "--config" in words:
            own.append(parse_config(read(words).config).get("run"))
    assert len(own) > 10
    assert not {None, "default"} & set(own)


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_named_files_are_there():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        files = re.findall(r"`((?:config|cragru|docs|envs|scripts|tests|workflow)/[\w./-]+)`", text)
        for name in files:
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_named_modules_and_their_definitions_are_there():
    for page in PAGES:
        for name in re.findall(r"`(cragru(?:\.\w+)+)", page.read_text(encoding="utf-8")):
            steps, rest = name.split("."), []
            while not (found := ROOT.joinpath(*steps).with_suffix(".py")).exists():
                if ROOT.joinpath(*steps).is_dir():
                    found = ROOT.joinpath(*steps, "__init__.py")
                    break
                rest.insert(0, steps.pop())
            assert len(steps) > 1 or rest == ["load"], f"{page.name}: {name}"
            for word in rest:
                assert re.search(rf"\b{word}\b", found.read_text()), f"{page.name}: {name}"


def test_what_ci_runs_stands_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in RUN_BY_CI:
        assert command in text
