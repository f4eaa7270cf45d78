"""A file of one's own, ten lines of YAML and one command, as docs/extending.md shows, make tables and figures."""

import gzip
import random
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake_calls import REPOSITORY

pytestmark = pytest.mark.slow

USERS, ITEMS = 40, 60
ALONE = "u-alone"  # who has one rating


@pytest.fixture(scope="module")
def page():
    """The section's entry, configuration and targets."""
    text = (REPOSITORY / "docs/extending.md").read_text(encoding="utf-8")
    section = re.search(r"^## Your own data\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)[1]
    blocks = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    command = re.search(r"^snakemake --cores all (.*) --configfile my.yaml$", section, re.MULTILINE)
    return blocks["config/datasets.yaml"], yaml.safe_load(blocks["my.yaml"]), command[1].split()


def ratings() -> str:
    draw = random.Random(3)
    lines = ["user_id,movie_id,rating"]
    for user in range(USERS):
        liked = [item for item in range(ITEMS) if item % 4 == user % 4]
        chosen = [*draw.sample(liked, 8), *draw.sample(range(ITEMS), 8)]
        lines += [f"u{user:02},{item},{draw.randint(1, 5)}" for item in chosen]
    return "\n".join([*lines, f"{ALONE},3,5", ""])


@pytest.fixture(scope="module")
def folder(page, workflow, configure, converted, toy, tmp_path_factory):
    """A finished run of what the page says, smaller."""
    entry, own, targets = page
    directory, place = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("films")
    (place / "ratings.csv.gz").write_bytes(gzip.compress(ratings().encode()))
    registry = yaml.safe_load(entry.replace("~/films", str(place)))
    registry["datasets"]["films"]["keep"] = {"repeats": "first", "least_rating": 2}
    file = directory / "datasets.yaml"
    file.write_text(yaml.safe_dump(registry))
    scoring = {"llm": "smollm2-135m", "cohorts": {"pilot": 2}, "controls": ["content"]}
    scoring |= {"compare_form": None, "compare_cohort": None, "chunk": 1, "tokens": 600}
    config = configure(
        files=converted | {"datasets": str(file)},
        **own,
        backbones=["bpr"],
        seeds=[1],
        methods=["retrain"],
        tables=["table1", "table2", "table3", "table4"],
        figures=["figure3", "figure4"],
        requests={"one_user": 1},
        retrieval={"strategies": ["none", "random"], "candidates": 10, "history": 4},
        scoring=scoring,
    )
    workflow.make(directory, *targets, config=config, cores=2)
    return directory


def test_ten_lines_of_yaml_are_enough(page):
    entry, _, targets = page
    assert len(entry.splitlines()) == 1 + 10  # below `datasets:`
    assert targets == ["table1", "table2", "table3", "table4", "figure3", "figure4"]


def test_tables_and_figures_are_there(folder):
    made = {path.stem for path in Path(folder, "results/films").rglob("*.tex")}
    assert {"table1", "table2", "table3", "table4", "figure3", "figure4"} <= made
    table = pd.read_csv(folder / "results/films/tables/table2.csv")
    assert table["mean"].max() > 0
    assert set(table["method"]) >= {"Original", "Retrain"}


def test_table_one_notes_what_was_left_out(folder):
    text = (folder / "results/films/tables/table1.md").read_text()
    assert re.search(r"Films: without times.*first of repeated.*left out \d+ interactions", text)


def test_a_user_with_one_rating_is_trained_on_and_not_evaluated(folder):
    users = pd.read_parquet(folder / "results/films/prepared/users.parquet")
    (alone,) = users.loc[users["raw_id"] == ALONE, "user"]
    split = folder / "results/films/paper/1/split"
    found = {
        part: int((pd.read_parquet(split / f"{part}.parquet")["user"] == alone).sum())
        for part in ("forget", "train", "valid", "test")
    }
    assert found["valid"] == found["test"] == 0
    assert found["forget"] + found["train"] == 1
    results = pd.read_parquet(folder / "results/films/paper/1/bpr/retrain/per-user.parquet")
    assert alone not in set(results["user"])
