"""docs/extending.md, section by section: its module and its entry are written as it says, and its command is run.

A section added there is tested without a change here, but for a look at what its run made: a function in `LOOKS`. At
last all sections are applied to one checkout, whose own tests are run: who extends cragru keeps them green.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import SOURCES
from snakemake_calls import REPOSITORY, Workflow, surroundings

from tests.contract.extending import OWN, SECTIONS, add_module, entries_of, extend_all, section

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Section:
    """What a section of the page says.

    Attributes:
        files: By path, what stands in the block whose first line names it.
        target: What its command makes.
    """

    files: dict[str, str]
    target: str

    @classmethod
    def of(cls, title: str) -> "Section":
        (command,) = re.findall(r"^```sh\n(.*?)\n```", SECTIONS[title], re.MULTILINE | re.DOTALL)
        said = ["snakemake", "--cores", "all", "TARGET", "--configfile", OWN]
        words = shlex.split(command)
        assert [*words[:3], "TARGET", *words[4:]] == said
        return cls(section(title), words[3])

    @property
    def own(self) -> dict:
        """The configuration of one's own."""
        return yaml.safe_load(self.files[OWN])

    @property
    def entries(self) -> dict[str, dict]:
        """What goes into files of config/, by path."""
        return {
            path: yaml.safe_load(text)
            for path, text in self.files.items()
            if path.startswith("config/")
        }

    @property
    def modules(self) -> dict[str, str]:
        """Sources by path."""
        return {path: text for path, text in self.files.items() if path.endswith(".py")}


HELD_ELSEWHERE = {
    "Your own data",  # test_own_data.py
    "A metric",
    "A metric of whole lists",
    "A data set and its loader",
    "An LLM engine",
}  # tests/contract/test_extending_*.py


@dataclass(frozen=True)
class Added:
    """A finished run with a plug-in.

    Attributes:
        section: What the page says of it.
        extended: Snakemake on the copy of the sources that has it.
        directory: Where it ran.
        config: The configuration of the run.
        jobs: How many jobs of each rule it made.
    """

    section: Section
    extended: Workflow
    directory: Path
    config: Path
    jobs: dict[str, int]

    @property
    def tables(self) -> Path:
        """The folder of its tables."""
        return self.directory / "results" / self.section.own["run"] / "tables"

    def table2(self) -> pd.DataFrame:
        """Table II."""
        return pd.read_csv(self.tables / "table2.csv")


def extend(workflow: Workflow, section: Section, folder: Path) -> Workflow:
    """A copy of the sources with the section's files."""
    sources = shutil.copytree(workflow.sources, folder / "sources" / "cragru")
    for path, text in section.modules.items():
        add_module(sources, path, text)
    for path, entries in section.entries.items():
        (sources / path).write_text(yaml.safe_dump(entries_of(sources / path, entries)))
    return Workflow(sources)


def laid_over(below: dict, above: dict) -> dict:
    """A configuration over another, as Snakemake lays them."""
    inner = {
        key: laid_over(below.get(key, {}), value)
        for key, value in above.items()
        if isinstance(value, dict)
    }
    return below | above | inner


def check_shipped(extended: Workflow, section: Section) -> None:
    """With the shipped configuration below it, the page's own is right as it stands."""
    below = yaml.safe_load((extended.sources / "config/config.yaml").read_text())
    (extended.sources / OWN).write_text(yaml.safe_dump(laid_over(below, section.own)))
    code = (
        "from cragru.config.base import load_yaml; from cragru.plan.loading import load_project; "
    )
    code += f"from pathlib import Path; load_project(load_yaml({OWN!r}), Path('.'))"
    surroundings = {"cwd": extended.sources, "env": extended.environment(PYTHONPATH="")}
    done = subprocess.run(
        [sys.executable, "-c", code], **surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def add(workflow, on_one_core, configure, toy, tmp_path):
    """Adds what a section says and runs its command on toy data."""

    def run(name: str) -> Added:
        section = Section.of(name)
        extended = extend(workflow, section, tmp_path)
        check_shipped(extended, section)
        files = {}
        for path, entries in section.entries.items():
            key = Path(path).stem
            files[key] = str(tmp_path / Path(path).name)
            content = entries_of(getattr(toy, key), entries)
            Path(files[key]).write_text(yaml.safe_dump(content))
        small = {"backbones": ["bpr"], "seeds": [1], "tables": ["table2"], "scoring": {"llm": None}}
        config = configure(files, **laid_over(small, section.own))
        directory = shutil.copytree(on_one_core, tmp_path / "run")
        done = extended.make(directory, section.target, config=config, cores=2)
        return Added(section, extended, directory, config, done.jobs)

    return run


def look_at_method(added: Added) -> None:
    assert added.jobs["unlearn"] == 1  # the new method's; Retrain stays as it was
    table = added.table2()
    assert set(table["method"]) == {"Original", "Retrain", "Popularity"}
    assert table.loc[table["method"] == "Popularity", "mean"].min() > 0
    of_request = "results/toy/one-user/1/draw-1/bpr/popularity/per-user.parquet"
    planned = added.extended.plan(added.directory, of_request, config=added.config)
    assert planned["unlearn_request"] == planned["evaluate_request"] == 1
    assert run_contract(added.extended, "popularity") == {
        "test_it_gives_a_model_of_everyone_and_its_cost": 4,  # two backbones, two states
        "test_it_still_recommends": 4,
        "test_a_seed_repeats_to_the_bit_and_touches_no_global_stream": 4,
        "test_it_reads_nothing_that_its_entry_does_not_declare": 4,
        "test_no_forgotten_row_reaches_a_sampler_a_graph_a_mask_or_a_step": 4,
        "test_what_the_forgotten_rows_say_does_not_matter": 4,
        "test_exact_methods_silence_canaries": 2,
    }


def look_at_gradient(added: Added) -> None:
    assert added.jobs["unlearn"] == 1
    assert set(added.table2()["method"]) == {"Original", "Retrain", "Ascent"}
    assert run_contract(added.extended, "ascent") == {
        "test_it_gives_a_model_of_everyone_and_its_cost": 4,
        "test_it_still_recommends": 4,
        "test_a_seed_repeats_to_the_bit_and_touches_no_global_stream": 4,
        "test_it_reads_nothing_that_its_entry_does_not_declare": 4,
        "test_an_approximate_method_with_nothing_to_forget_changes_nothing": 2,
        "test_approximate_methods_lower_canaries": 2,
    }


def look_at_partition(added: Added) -> None:
    assert added.jobs["partition"] == added.jobs["unlearn_shards"] == 1
    assert set(added.table2()["method"]) == {"Original", "Retrain", "SISA (blocks)"}
    before = added.directory / "results/toy/paper/1/bpr/sisa-blocks/before/partition.parquet"
    shards = pd.read_parquet(before)
    users = pd.read_parquet(added.directory / "results/toy/prepared/interactions.parquet")[
        "user"
    ].to_numpy()
    of_user = shards.groupby(users[shards["row"]])["shard"].unique()
    assert [shard.tolist() for shard in of_user] == [[user // 4 % 3] for user in range(40)]


def look_at_backbone(added: Added) -> None:
    assert added.jobs["train_original"] == 1
    assert added.jobs["unlearn"] == added.jobs["unlearn_shards"] == 1
    table = added.table2()
    assert set(table["backbone"]) == {"Hinge"}
    assert set(table["method"]) == {"Original", "Retrain", "SISA (users)"}
    losses = pd.read_csv(added.directory / "results/toy/paper/1/hinge/original/curve.csv")["loss"]
    assert losses.iloc[-1] < losses.iloc[0]
    assert losses.iloc[0] == pytest.approx(
        0.5, abs=0.05
    )  # the entry's margin, where all scores are near 0


def look_at_strategy(added: Added) -> None:
    assert added.jobs["fit_strategy"] == added.jobs["select_histories"] == 1
    folder = added.directory / "results/toy/paper/1/bpr/cragru/original"
    selection = pd.read_parquet(folder / "latest/own/selection.parquet")
    assert len(selection) > 0
    assert run_contract(added.extended, "latest") == {
        "test_places_are_distinct_ascending_and_few_enough": 24,  # three limits, eight histories
        "test_a_short_history_is_returned_whole": 8,
        "test_something_is_kept_of_a_long_history": 1,
        "test_a_stream_repeats_and_nothing_given_is_changed": 1,
        "test_fitting_twice_writes_the_same_bytes": 1,
    }


def look_at_table(added: Added) -> None:
    assert added.jobs == {"table": 1, "split-sizes": 1}  # the split was there
    table = pd.read_csv(added.tables / "split-sizes.csv")
    assert table["dataset"].tolist() == ["Toy"]
    rows = len(pd.read_parquet(added.directory / "results/toy/prepared/interactions.parquet"))
    assert table[["forget", "train", "valid", "test"]].sum(axis=1).tolist() == [rows]
    assert table["forget"].tolist() == [round(rows / 10)]
    assert (added.tables / "split-sizes.tex").read_text().count("tab:split-sizes") == 1


LOOKS = {
    "A method": look_at_method,
    "A method with a gradient": look_at_gradient,
    "A partition": look_at_partition,
    "A backbone": look_at_backbone,
    "A strategy": look_at_strategy,
    "A table or figure": look_at_table,
}


@pytest.mark.parametrize("name", sorted(SECTIONS.keys() - HELD_ELSEWHERE))
def test_a_plugin_is_added_as_the_docs_say(add, name):
    """One module and one entry, both taken from docs/extending.md."""
    LOOKS[name](add(name))


def run_contract(extended: Workflow, name: str) -> Counter:
    """How often each test of the contract passed with what was added, in the copy of the sources; none may fail."""
    sources = extended.sources
    shutil.copytree(
        REPOSITORY / "tests/contract",
        sources / "tests/contract",
        ignore=shutil.ignore_patterns("__*", "*extending*"),
    )
    for helper in ("deletion.py", "refusals.py"):
        shutil.copy2(REPOSITORY / "tests" / helper, sources / "tests")
    shutil.copy2(REPOSITORY / "pyproject.toml", sources)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rA",
            "-p",
            "no:cacheprovider",
            "tests/contract",
            "-k",
            name,
        ],
        cwd=sources,
        env=extended.environment(PYTHONPATH=""),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.findall(r"^(SKIPPED|XFAIL|XPASS)", done.stdout, re.MULTILINE)
    return Counter(re.findall(rf"^PASSED .*::(\w+)\[.*{name}.*\]$", done.stdout, re.MULTILINE))


CHECKOUT = (
    *SOURCES,
    *(".ci", "docs", "tests", "results/README.md"),
    *("LICENSE", "Makefile", "README.md", "SECURITY.md", "pyproject.toml"),
)
FORMAT = ("ruff check --fix .", "ruff format .", "snakefmt Snakefile workflow")  # `make format`
SCHEMA = "python -m cragru.plan.schema"  # `make schema`
CHECKS = ("ruff check .", "ruff format --check .", f"{SCHEMA} --check")
LOOK_AT_PLUGINS = (  # all others of the quick suite meet data of their own, train, or extend a copy themselves
    *(f"tests/contract/test_{name}.py" for name in ("kinds", "metrics", "strategies")),
    *(
        f"tests/unit/test_{name}.py"
        for name in (
            *("cells", "config", "digest_words", "floors", "labels", "llm_registry", "options"),
            *("printed", "project", "refused", "registry", "schema", "table_imports"),
        )
    ),
    "tests/workflow/test_plan_run.py",
)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A checkout to which a person has added all that the page adds."""
    checkout = tmp_path_factory.mktemp("extended") / "cragru"
    for name in CHECKOUT:
        place, here = checkout / name, REPOSITORY / name
        if here.is_dir():
            shutil.copytree(here, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.parent.mkdir(exist_ok=True, parents=True)
            shutil.copy2(here, place)
    extend_all(checkout)
    for command in (*FORMAT, SCHEMA):
        call(checkout, command)
    return checkout


def call(checkout, command):
    """Run a tool of this environment in a checkout; it must succeed."""
    tools = Path(sys.executable).parent
    done = subprocess.run(
        shlex.split(command),
        cwd=checkout,
        env=surroundings() | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("command", CHECKS)
def test_an_extended_checkout_is_in_style(extended, command):
    call(extended, command)


def test_the_tests_of_an_extended_checkout_are_green(extended):
    """Those that look at what can be plugged in; the others meet plug-ins by no more than data of their own."""
    files = " ".join(LOOK_AT_PLUGINS)
    call(extended, f"python -m pytest -n 0 -p no:cacheprovider -m 'not slow' {files}")
