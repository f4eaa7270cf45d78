"""The tiny run from end to end, twice, and what an edit makes Snakemake do again."""

import io
import re
from contextlib import contextmanager

import pandas as pd
import pytest
import yaml

pytestmark = pytest.mark.slow

ENDINGS = ("csv", "md", "tex")
MODELS = ("original", "retrain")


@contextmanager
def appended(text, *paths):
    """Files that end in `text`, for a while."""
    before = {path: path.read_text() for path in paths}
    assert before
    try:
        for path in paths:
            path.write_text(before[path] + text)
        yield
    finally:
        for path in paths:
            path.write_text(before[path])


def cells(directory, pattern):
    """Models and per-user results below results/toy, by their paths."""
    folder = directory / "results/toy"
    kept = ("model.safetensors", "per-user.parquet")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.glob(f"{pattern}/*")
        if path.name in kept
    }


def tables(directory, run):
    folder = directory / "results" / run / "tables"
    made = (path for path in folder.iterdir() if not path.name.endswith("manifest.json"))
    return {path.name: path.read_bytes() for path in made}


@pytest.fixture(scope="module")
def finished(on_two_cores, all_tables, workflow):
    """Plans a run on the finished directory of all tables."""

    def plan(*args, config=all_tables):
        return workflow.plan(on_two_cores, *args, config=config)

    return plan


def test_every_table_is_there_in_every_format(on_two_cores):
    made = tables(on_two_cores, "tiny")
    names = ("table1", "table2", "table2-released-code")
    assert made.keys() == {f"{name}.{ending}" for name in names for ending in ENDINGS}
    assert all(made.values())


def test_table1_counts_the_toy_data(on_two_cores, toy):
    (row,) = pd.read_csv(io.BytesIO(tables(on_two_cores, "tiny")["table1.csv"])).to_dict("records")
    users, items = toy.ratings["user"].nunique(), toy.ratings["item"].nunique()
    assert (row["dataset"], row["users"], row["items"], row["interactions"]) == (
        "Toy",
        users,
        items,
        len(toy.ratings),
    )
    assert row["interactions_per_user"] == pytest.approx(len(toy.ratings) / users)
    assert row["sparsity_percent"] == pytest.approx(100 * (1 - len(toy.ratings) / (users * items)))


def test_table2_has_every_cell_and_averages_its_per_user_file(on_two_cores):
    table = pd.read_csv(io.BytesIO(tables(on_two_cores, "tiny")["table2.csv"]))
    assert len(table) == 2 * 2 * 2 * 3  # backbones, models, metrics, cut-offs
    per_user = pd.read_parquet(
        on_two_cores / "results/toy/paper/1/lightgcn/retrain/per-user.parquet"
    )
    wanted = per_user.query("mask == 'A' and k == 10")["ndcg"].mean()
    cell = table.query(
        "backbone == 'LightGCN' and method == 'Retrain' and metric == 'ndcg' and k == 10"
    )
    assert cell["mean"].item() == pytest.approx(wanted, abs=1e-12)


def test_two_seeds_give_a_spread(on_one_core):
    table = pd.read_csv(io.BytesIO(tables(on_one_core, "tiny")["table2.csv"]))
    assert (table["seeds"] == 2).all()
    assert table["sd"].notna().all()


def test_a_second_run_does_nothing(workflow, on_two_cores, all_tables):
    again = workflow.make(on_two_cores, config=all_tables)
    assert "Nothing to be done" in again.output


def test_two_runs_agree_to_the_byte(on_one_core, on_two_cores):
    one, two = (cells(directory, "paper/1/bpr/*") for directory in (on_one_core, on_two_cores))
    assert len(one) == 4
    assert one == two
    assert tables(on_one_core, "tiny")["table1.csv"] == tables(on_two_cores, "tiny")["table1.csv"]
    common = tables(on_one_core, "common")
    assert common.keys() == {f"table2.{ending}" for ending in ENDINGS}
    assert common == tables(on_two_cores, "common")


@pytest.mark.parametrize("model", MODELS)
def test_seeds_differ(on_one_core, model):
    first, second = (cells(on_one_core, f"paper/{seed}/bpr/{model}").values() for seed in (1, 2))
    assert len(first) == len(second) == 2
    assert not set(first) & set(second)


def test_a_caption_remakes_one_table(finished, configure, changed):
    other = configure(seeds=[1], files=changed("tables", "table2", "caption", "Other words."))
    assert finished(config=other) == {"table": 1, "all": 1}


def test_a_hyperparameter_redoes_its_backbone(workflow, on_two_cores, configure, toy, tmp_path):
    params = yaml.safe_load(toy.params.read_text())
    params["backbones"]["bpr"]["options"]["learning_rate"] = 0.02
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    other = configure(seeds=[1], files={"params": str(tmp_path / "params.yaml")})
    planned = workflow.make(on_two_cores, "--dry-run", config=other)
    redone = {
        "train_original": 2,
        "unlearn": 2,
        "evaluate": 4,
        "table": 2,
        "certificate": 2,
        "all": 1,
    }
    assert planned.jobs == redone
    messages = re.findall(
        r"^Job \d+: ((?:Train|Unlearn|Evaluate) .*)$", planned.output, re.MULTILINE
    )
    assert len(messages) == 8
    assert not [message for message in messages if "bpr" not in message]


def test_comments_in_the_library_redo_nothing(finished, workflow):
    with appended("\n# A remark.\n", *(workflow.sources / "cragru").rglob("*.py")):
        assert finished() == {}


def test_an_edit_of_a_method_redoes_what_it_serves(finished, workflow):
    with appended("\nUNUSED = 1\n", workflow.sources / "cragru/unlearning/retrain.py"):
        assert finished() == {"unlearn": 4, "evaluate": 4, "table": 2, "certificate": 2, "all": 1}


def test_touched_scripts_redo_nothing(finished, workflow):
    scripts = list((workflow.sources / "scripts").glob("*.py"))
    assert scripts
    for script in scripts:
        script.touch()
    assert finished() == {}
