"""A metric is added as docs/extending.md says, in a copy of the sources; it stands wherever metrics do."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.contract.extending import OF_METRICS, without_metric, write_metric

ROOT = Path(__file__).parents[2]
TRAINING = [
    "train_original",
    "train_shards",
    "unlearn",
    "partition",
    "search_damping",
    "fit_strategy",
    "score_prompts",
]
LISTS = """
import numpy as np
from cragru.evaluation.list_metrics import LIST_METRICS, Recommended
recommended = Recommended(np.array([[0, 1], [0, 2]]), np.array([2, 1, 1, 0]), 2)
values = {name: metric.function(recommended) for name, metric in LIST_METRICS.items()}
assert values.get("entropy", 1.5) == 1.5
print(*values)
"""
EVALUATION = ["evaluate", "evaluate_cragru", "completeness", "differences", "table2", "figure3"]
DIGESTS = """
import json, sys
from pathlib import Path
from cragru.rerun.digest import code_digest
training, evaluation = (names.split() for names in sys.argv[1:])
packages = ("backbones", "data", "llm", "retrieval", "unlearning")
files = [path for package in packages for path in sorted(Path("cragru", package).rglob("*.py"))]
modules = [".".join(path.with_suffix("").parts) for path in files]
print(json.dumps({name: code_digest(f"scripts/{name}.py", *modules) for name in training}))
alone = {name: code_digest(f"scripts/{name}.py") for name in evaluation if Path(f"scripts/{name}.py").exists()}
alone["table2"] = code_digest("scripts/table.py", "cragru.reporting.utility_table")
alone["figure3"] = code_digest("scripts/figure.py", "cragru.reporting.forget_remain_figure")
print(json.dumps(alone))
"""
TABLES = """
import runpy, sys
from pathlib import Path
from types import SimpleNamespace
import pandas as pd
import torch
from snakemake.iocontainers import Namedlist
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.utility import per_user_utility
from cragru.kept.files import write_parquet

class Scorer:
    def __init__(self, scores):
        self.scores = torch.tensor(scores)
    def score(self, users):
        return self.scores.repeat(len(users), 1)

folder = Path(sys.argv[1])
pairs = {"test": [(0, 0), (0, 1), (1, 2), (2, 0), (2, 5)], "train": [], "valid": [], "forget": []}
parts = {name: pd.DataFrame(rows, columns=["user", "item"], dtype="int64") for name, rows in pairs.items()}
falling, rising = [6.0, 5, 4, 3, 2, 1], [1.0, 2, 3, 4, 5, 6]
rows = []
for method, training, scores in (("Retrain", 0, falling), ("Retrain", 1, falling), ("SISA", 0, rising)):
    path = folder / f"{method}-{training}.parquet"
    write_parquet(path, per_user_utility(Scorer(scores), parts, 3, 6), PER_USER)
    names = {"panel": "all", "dataset": "Toy", "backbone": "BPR", "method": method, "printed": method}
    names |= {"per_user": path, "cohort": None, "cost": None, "check": None, "training": training, "source": None}
    rows += [names | {"seed": seed} for seed in (1, 2, 3)]

spec = {"mask": "A", "cutoffs": [1, 3], "least_users": 1, "caption": "Quality", "label": "tab:quality"}
spec["compact"] = False
words = {"title": "by hand", "retrain": "Retrain", "references": {"all": "Retrain"}}

def make(script, inputs, outputs, rows):
    params = {"maker": "cragru.reporting.utility_table", "rows": rows, "spec": spec, "words": words}
    files = [Namedlist(fromdict=names) for names in (inputs, outputs, params)]
    runpy.run_path(f"scripts/{script}.py")["main"](SimpleNamespace(**dict(zip(("input", "output", "params"), files))))

differences = str(folder / "differences.csv")
make("differences", {}, {"csv": differences}, rows)
table = {ending: folder / f"table2.{ending}" for ending in ("csv", "md", "tex")}
make("table", {"tests": differences}, table, rows)
"""


def python(folder, *arguments):
    """Run Python in a copy of the sources; returns what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def digests(sources):
    """Of `TRAINING`, with all modules that a training, a strategy or an LLM could name; and of `EVALUATION` alone.

    A table and a figure are among the latter, with their makers.
    """
    printed = python(sources, "-c", DIGESTS, " ".join(TRAINING), " ".join(EVALUATION))
    return [json.loads(line) for line in printed.splitlines()]


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """The sources as they are, and with the page's metric."""
    plain, extended = (tmp_path_factory.mktemp("sources") / name for name in ("plain", "extended"))
    for sources in (plain, extended):
        for name in ("cragru", "scripts", "tests/contract"):
            shutil.copytree(
                ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy2(ROOT / "pyproject.toml", sources)
    for title, (module, _) in OF_METRICS.items():
        (plain / module).write_text(without_metric((plain / module).read_text(), title))
        write_metric(extended, title)
    return plain, extended


@pytest.fixture(scope="module")
def made(copies, tmp_path_factory):
    """Folders of what the two make of the same toy results."""
    folders = [tmp_path_factory.mktemp(sources.name) for sources in copies]
    for sources, folder in zip(copies, folders, strict=True):
        python(sources, "-c", TABLES, str(folder))
    return folders


def test_per_user_files_have_its_column_and_the_others_unchanged(made):
    plain, extended = (pd.read_parquet(folder / "Retrain-0.parquet") for folder in made)
    *metrics, last = plain
    assert [*extended] == [*metrics, "recall", last]
    pd.testing.assert_frame_equal(extended.drop(columns="recall"), plain)
    at_one = extended.query("mask == 'A' and k == 1").set_index("user")["recall"]
    assert at_one.to_dict() == {
        0: 1 / 2,
        1: 0,
        2: 1 / 2,
    }  # item 0 is one of user 0's two and of user 2's two


def test_table_two_shows_it(made):
    plain, extended = (pd.read_csv(folder / "table2.csv") for folder in made)
    own = extended[extended["metric"] == "recall"].set_index(["method", "k"])["mean"]
    expected = {
        ("Retrain", 1): 1 / 3,
        ("Retrain", 3): 5 / 6,
        ("SISA", 1): 1 / 6,
        ("SISA", 3): 1 / 6,
    }
    assert own.to_dict() == pytest.approx(expected)
    others = extended[extended["metric"] != "recall"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others.drop(columns="differs"), plain.drop(columns="differs"))
    text = (made[1] / "table2.md").read_text()
    assert "| NDCG@1" in text
    assert "| Recall@1" in text


def test_differences_have_its_test(made):
    plain, extended = (pd.read_csv(folder / "differences.csv") for folder in made)
    own = extended[extended["metric"] == "recall"].set_index("k")
    assert set(own["test"]) == {"wilcoxon"}
    assert own["difference"].to_dict() == pytest.approx({1: -1 / 6, 3: -2 / 3})
    assert own["null_high"].tolist() == [0, 0]  # both trainings of Retrain rank alike
    others = extended[extended["metric"] != "recall"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others.drop(columns="p_holm"), plain.drop(columns="p_holm"))


def test_nothing_is_trained_or_asked_anew(copies):
    """What reruns is decided by digests of code; that of an evaluation or a table has changed."""
    (named, alone), (extended_named, extended_alone) = (digests(sources) for sources in copies)
    assert {name for name in TRAINING if named[name] != extended_named[name]} == set()
    assert {name for name in EVALUATION if alone[name] == extended_alone[name]} == set()


def test_the_contract_of_metrics_covers_it(copies):
    options = ["-rA", "-p", "no:cacheprovider", "-k", "recall"]
    answer = python(copies[1], "-m", "pytest", *options, "tests/contract/test_metrics.py")
    assert re.findall(r"^PASSED .*::(\w+)\[recall\]$", answer, re.MULTILINE) == [
        "test_it_gives_a_number_from_0_to_1_for_every_user",
        "test_more_is_better",
        "test_it_looks_at_the_first_k_of_each_user_alone",
        "test_places_beyond_a_short_list_hold_no_hit",
        "test_its_name_and_label_are_its_own",
    ]


def test_a_metric_of_whole_lists_is_a_column_of_its_table_and_changes_nothing_else(copies):
    plain, extended = copies
    tables = [python(sources, "-c", LISTS).split() for sources in (plain, extended)]
    assert tables == [["coverage", "gini", "novelty"], ["coverage", "gini", "novelty", "entropy"]]
    options = ["-rA", "-p", "no:cacheprovider", "-k", "entropy"]
    answer = python(extended, "-m", "pytest", *options, "tests/contract/test_metrics.py")
    assert len(re.findall(r"^PASSED .*\[entropy\]$", answer, re.MULTILINE)) == 4
