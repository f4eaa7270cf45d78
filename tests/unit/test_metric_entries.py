"""The entries of metrics, and who reads them."""

import subprocess
import sys
from typing import get_args

import pytest
from configuration import ROOT

from cragru.evaluation import significance
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.completeness_columns import FORGET_REMAIN, MEASURES, OF_METRIC
from cragru.evaluation.metrics import METRICS, TABLES, TEST_LABELS, Metric, metrics_in
from cragru.plan.tables import FIGURE_KINDS, TABLE_KINDS
from tests.refusals import refused


def test_the_papers_metrics_come_first_and_stand_everywhere():
    assert list(METRICS)[:2] == ["hr", "ndcg"]
    assert [(entry.label, entry.test, entry.tables) for entry in METRICS.values()][:2] == [
        ("HR", "mcnemar", ("utility", "completeness", "forget-remain")),
        ("NDCG", "wilcoxon", ("utility", "completeness", "forget-remain")),
    ]


def test_columns_follow_the_entries():
    assert list(PER_USER) == ["user", "mask", "k", *METRICS, "relevant"]
    assert list(FORGET_REMAIN) == ["user", "group", "k", *metrics_in("forget-remain")]
    assert MEASURES[:2] == ("forget-hr@10", "forget-ndcg@10")
    assert list(MEASURES[: len(OF_METRIC)]) == [
        f"forget-{name}@10" for name in metrics_in("completeness")
    ]


def test_every_test_has_a_function_and_every_table_is_a_kind():
    assert significance.TESTS.keys() == TEST_LABELS.keys()
    kinds = [
        get_args(model.model_fields["kind"].annotation)[0]
        for model in (*TABLE_KINDS, *FIGURE_KINDS)
    ]
    assert set(TABLES) <= set(kinds)


@pytest.mark.parametrize(
    ("slip", "got", "allowed"),
    [
        ({"test": "wilcoxn"}, "wilcoxn", ["mcnemar", "wilcoxon"]),
        ({"tables": ("utilty",)}, "utilty", ["completeness", "forget-remain", "utility"]),
    ],
)
def test_a_slip_in_an_entry_is_one_line(slip, got, allowed):
    entry = {
        "label": "X",
        "function": METRICS["ndcg"].function,
        "test": "wilcoxon",
        "tables": ("utility",),
    }
    with refused(place="metric 'X'", got=got, allowed=allowed):
        Metric(**entry | slip)


def test_a_metric_stands_only_where_its_entry_says(monkeypatch):
    monkeypatch.setitem(
        METRICS, "x", Metric("X", METRICS["ndcg"].function, "wilcoxon", ("completeness",))
    )
    assert "x" in metrics_in("completeness")
    assert "x" not in metrics_in("utility")
    assert "x" not in metrics_in("forget-remain")


def test_a_plan_can_read_metrics_and_names():
    """In a process of its own: they import nothing but the standard library."""
    lines = [
        "import sys",
        "import cragru.core.names",
        "print(sorted(name for name in sys.modules if name.startswith('cragru')))",
        "import cragru.evaluation.metrics",
        "print({'torch', 'numpy', 'pandas', 'scipy', 'pydantic'} & set(sys.modules))",
    ]
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (
        0,
        "['cragru', 'cragru.core', 'cragru.core.names']\nset()\n",
    ), done.stderr
