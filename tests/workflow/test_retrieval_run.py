"""The retrieval stage on toy data: what candidates and histories hold, and what an edit reruns."""

import shutil

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

STRATEGIES = ["none", "random", "preference", "diversity", "attention"]
HISTORY, CANDIDATES = 8, 12
CELL = "results/toy/paper/1"


@pytest.fixture(scope="module")
def small(configure):
    """Short lists, both sources, one backbone and seed."""
    retrieval = {
        "candidates_of": ["original", "retrain"],
        "history": HISTORY,
        "candidates": CANDIDATES,
    }
    return configure(backbones=["bpr"], seeds=[1], retrieval=retrieval)


@pytest.fixture(scope="module")
def folder(workflow, small, on_one_core, tmp_path_factory):
    """The finished run with the retrieval stage on top."""
    directory = shutil.copytree(on_one_core, tmp_path_factory.mktemp("retrieval") / "run")
    workflow.make(directory, "retrieval", config=small, cores=2)
    return directory


@pytest.fixture(scope="module")
def parts(folder):
    return {
        path.stem: pd.read_parquet(path) for path in (folder / CELL / "split").glob("*.parquet")
    }


def pairs(frame):
    return set(zip(frame["user"], frame["item"], strict=True))


@pytest.mark.parametrize("source", ["original", "retrain"])
def test_candidates_are_unseen_items(folder, parts, source):
    table = pd.read_parquet(folder / CELL / "bpr/cragru" / source / "candidates.parquet")
    seen = pairs(parts["train"]) | pairs(parts["valid"])
    assert not pairs(table) & seen
    assert set(table["user"]) == set(parts["test"]["user"])
    assert set(table.groupby("user").size()) == {CANDIDATES}
    assert table.groupby("user")["score"].apply(lambda scores: scores.is_monotonic_decreasing).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_histories_hold_remaining_rows_only(folder, parts, strategy):
    """Against the files, not against what the stage believes: no forgotten row and no test row was chosen."""
    for source in ("original", "retrain"):
        table = pd.read_parquet(
            folder / CELL / "bpr/cragru" / source / strategy / "own/selection.parquet"
        )
        remaining = pd.concat([parts["train"], parts["valid"]]).set_index("row")
        assert set(table["row"]) <= set(remaining.index)
        assert table["item"].tolist() == remaining.loc[table["row"], "item"].tolist()
        assert not pairs(table) & (pairs(parts["forget"]) | pairs(parts["test"]))
        sizes, available = table.groupby("user").size(), remaining.groupby("user").size()
        most = available if strategy == "none" else available.clip(upper=HISTORY)
        assert (sizes <= most[sizes.index]).all()
        assert (sizes == most[sizes.index]).all() or strategy == "diversity"
        assert table["row"].is_monotonic_increasing  # rows are numbered in canonical order


def test_strategies_differ(folder):
    chosen = {
        strategy: tuple(
            pd.read_parquet(
                folder / CELL / "bpr/cragru/original" / strategy / "own/selection.parquet"
            )["row"]
        )
        for strategy in STRATEGIES
    }
    assert len(set(chosen.values())) == len(STRATEGIES)


def test_what_diversity_measured_can_be_read(folder):
    fitted = folder / CELL / "bpr/cragru/original/diversity/fit"
    performance = pd.read_csv(fitted / "performance.csv")
    ratios = pd.read_csv(fitted / "ratios.csv", index_col="category")
    assert performance["ratio"].unique().tolist() == [tenths / 10 for tenths in range(11)]
    assert performance.query("ratio == 1")["hit_rate"].nunique() == 1  # nothing is thinned there
    assert ratios["ratio"].sum() == pytest.approx(0.5 * len(ratios), abs=0.05)
    assert len(pd.read_csv(fitted / "categories.csv")) == 60


def test_a_second_call_does_nothing(workflow, small, folder):
    assert workflow.plan(folder, "retrieval", config=small) == {}


def test_a_longer_history_chooses_anew_and_fits_nothing(workflow, configure, folder):
    retrieval = {"candidates_of": ["original"], "history": HISTORY + 1, "candidates": CANDIDATES}
    longer = configure(backbones=["bpr"], seeds=[1], retrieval=retrieval)
    planned = workflow.plan(folder, "retrieval", config=longer)
    assert planned == {
        "select_histories": len(STRATEGIES) - 1,
        "retrieval": 1,
    }  # `none` keeps all anyway
