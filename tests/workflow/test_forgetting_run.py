"""Tables II, IV and V and Figure 3 on toy data: what was forgotten, who was hurt, and what differs."""

import importlib
import shutil

import pandas as pd
import pytest
import yaml
from snakemake.iocontainers import Wildcards

from cragru.kept.files import read_json
from cragru.plan.loading import load_project
from cragru.plan.showing import Showing
from cragru.reporting import base, differences

pytestmark = pytest.mark.slow

MODELS = {"Original", "Retrain", "SISA (users)", "IFRU"}
TABLES = "results/tiny/tables"


@pytest.fixture(scope="module")
def settings(workflow):
    return {
        "backbones": ["bpr"],
        "seeds": [1],
        "trainings": 3,
        "methods": ["retrain", "sisa-users", "ifru"],
        "tables": ["table2", "table4", "table5"],
        "figures": ["figure3"],
        "files": {"tables": str(workflow.sources / "config/tables.yaml")},
    }


@pytest.fixture(scope="module")
def folder(workflow, configure, settings, unlearned, tmp_path_factory):
    directory = shutil.copytree(unlearned, tmp_path_factory.mktemp("forgetting") / "run")
    workflow.make(directory, config=configure(**settings), cores=2)
    return directory


def read(folder, name):
    return pd.read_csv(folder / TABLES / f"{name}.csv")


def test_table_four_has_every_model(folder):
    table = read(folder, "table4")
    assert set(table["method"]) == MODELS | {"Retrain, again"}
    values = table.pivot(index="method", columns="measure", values="value")
    assert values.loc["Original", "rank-change"] == 0
    assert values.loc["Original", "mia-auc"] > values.loc["Retrain", "mia-auc"]
    assert pd.isna(values.loc["Retrain", "mia-gap"])
    assert values.loc["Original", "calibrated-auc"] > values.loc["Retrain", "calibrated-auc"]
    assert values.loc["Original", "shift-left"] == 1
    ceilings = values.loc[["Retrain", "Retrain, again"], "overlap@10"]
    assert ceilings.max() < 1  # none is held against itself
    known = table.dropna(subset="value")
    known = known.dropna(subset="low")
    assert (known["low"] <= known["value"]).all() and (known["value"] <= known["high"]).all()


def test_further_trainings_are_of_the_same_split_and_other_models(folder):
    place, names = folder / "results/toy/paper/1", ("bpr", "bpr@training=1", "bpr@training=2")
    models = [
        (place / name / model / "model.safetensors").read_bytes()
        for name in names
        for model in ("original", "retrain")
    ]
    assert len(set(models)) == 6
    manifests = [read_json(place / name / "retrain/manifest.json") for name in names]
    sums = [[one["inputs"][path] for path in sorted(one["inputs"])] for one in manifests]
    assert sums[0] == sums[1] == sums[2]


def test_each_training_is_held_against_the_others(folder):
    place, names = folder / "results/toy/paper/1", ("bpr", "bpr@training=1", "bpr@training=2")
    for own in names:
        frame = pd.read_parquet(place / own / "retrain/against-2-retrains/membership.parquet")
        assert frame["calibrated"].abs().max() > 0
        assert set(frame["fifth"]) <= {1, 2, 3, 4, 5}
    assert not list(place.glob("bpr@*/ifru/against-*"))  # Table IV shows one training of a method


def test_table_five_has_the_null_below_the_methods(folder):
    text = (folder / TABLES / "table5.md").read_text()
    methods = [line.split("|")[3].strip() for line in text.splitlines() if line.startswith("| Toy")]
    assert methods == ["Original", "SISA (users)", "IFRU", "Retrain, again"]
    table = read(folder, "table5")
    assert table.groupby(["measure", "group"])["null"].nunique().max() == 1


def test_nothing_is_starred_under_one_seed(folder):
    tests = read(folder, "table2-differences")
    assert set(tests["comparison"]) == MODELS - {"Retrain"}
    assert tests["p"].isna().all() and tests["difference"].notna().all()
    trainings = tests.groupby("comparison")["trainings"].unique().map(list)
    assert trainings.to_dict() == {"Original": [3], "IFRU": [3], "SISA (users)": [1]}
    assert (tests["null_high"] > 0).any()
    assert "were not tested: that takes 3 seeds" in (folder / TABLES / "table2.md").read_text()


def test_figure_three_is_drawn_of_equally_many_rows(folder):
    bars = pd.read_csv(folder / "results/tiny/figures/figure3.csv")
    assert set(bars["method"]) == {"Original", "Retrain"}
    assert set(bars["panel"]) == {"all users"}
    assert bars.groupby("method")["users"].nunique().eq(1).all()
    assert (folder / "results/tiny/figures/figure3.png").read_bytes()[1:4] == b"PNG"


def test_a_second_call_does_nothing(workflow, configure, settings, folder):
    assert workflow.plan(folder, config=configure(**settings)) == {}


def test_a_changed_caption_tests_nothing_anew(workflow, configure, settings, changed, folder):
    files = changed("tables", "table4", "caption", "Other words.")
    assert workflow.plan(folder, "table4", config=configure(**settings | {"files": files})) == {
        "table": 1,
        "table4": 1,
    }


@pytest.fixture
def renamed(workflow, configure, settings, toy, tmp_path):
    """The same run, but everything that has a label or a title is called something else."""
    config = yaml.safe_load((workflow.sources / "config/config.yaml").read_text())
    for key, value in yaml.safe_load(configure(**settings).read_text()).items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    for file, path, key in (("params", toy.params, "label"), ("datasets", toy.registry, "title")):
        content = yaml.safe_load(path.read_text())
        for section in content.values():
            for entry in section.values():
                if key in entry:
                    entry[key] = f"Another {entry[key]}"
        config["files"][file] = str(tmp_path / f"{file}.yaml")
        (tmp_path / f"{file}.yaml").write_text(yaml.safe_dump(content))
    return load_project(config, workflow.sources)


def test_labels_are_no_seeds(renamed, folder, monkeypatch):
    """Whatever rows are called, every number and every bound of an interval is the same."""
    monkeypatch.chdir(folder)
    showing, settings, run = Showing(renamed), renamed.settings, renamed.settings.run
    made = {}
    for kind, folder_of, names in (
        ("table", "tables", settings.tables),
        ("figure", "figures", settings.figures),
    ):
        for name in names:
            wildcards = Wildcards(fromdict={"run": run, kind: name})
            order = base.Order(
                *(of(wildcards) for of in (showing.rows, showing.spec, showing.words))
            )
            shown = importlib.import_module(showing.maker(wildcards)).make(order)
            made[f"{folder_of}/{name}"] = shown.frame if kind == "table" else shown.data
    tested = (showing.tested_rows, showing.tested_spec, showing.tested_words)
    wildcards = Wildcards(fromdict={"run": run, "table": "table2"})
    made["tables/table2-differences"] = differences.differences(
        base.Order(*(of(wildcards) for of in tested))
    )
    for name, frame in made.items():
        before = pd.read_csv(f"results/{run}/{name}.csv").drop(
            columns=["differs", "reach", "paper"], errors="ignore"
        )
        numbers = before.select_dtypes("number").columns
        assert len(numbers) > 3
        pd.testing.assert_frame_equal(frame[numbers], before[numbers], check_dtype=False)
        assert frame["method" if "method" in frame else "comparison"].str.contains("Another").any()
