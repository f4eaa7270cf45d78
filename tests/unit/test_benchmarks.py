"""What the benchmark against RecBole gives to both libraries: CI runs all of it, but last."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from test_prepare import LOCAL, needs_local_data

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def against_recbole(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import against_recbole

    return against_recbole


@needs_local_data
def test_both_libraries_get_all_rows_of_ml_100k_once(against_recbole, monkeypatch, tmp_path):
    monkeypatch.setenv("CRAGRU_DATA_DIR", str(LOCAL))
    against_recbole.write_splits(tmp_path, 1, (0.8, 0.1, 0.1))
    parts = {
        name: pd.read_csv(tmp_path / f"1/bench/bench.{name}.inter", sep="\t")
        for name in ("train", "valid", "test")
    }
    rows = pd.concat(parts.values())
    assert list(rows.columns) == ["user_id:token", "item_id:token"]
    assert len(rows) == 100_000
    assert not rows.duplicated().any()
    assert all(part["user_id:token"].nunique() == 943 for part in parts.values())


def test_the_weight_of_a_file_by_hand(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    from weight import Weight, weigh

    head = '"""What it is."""\n\n\ndef work(n):\n    # why\n'
    text = f"{head}    if n < 0:\n        raise ValueError\n    return [n for n in [n]]\n"
    (tmp_path / "work.py").write_text(text)
    # the code: def 6 tokens, if 5, raise 2, return 10
    assert weigh(tmp_path / "work.py") == Weight(8, 4, 23, 1, 2, 0)
