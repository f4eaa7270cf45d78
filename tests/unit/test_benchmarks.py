"""What the benchmark against RecBole gives to both libraries: CI runs all of it, but last."""

import sys
from pathlib import Path

import numpy as np
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
    prepared = against_recbole.prepare_dataset(tmp_path, "ml-100k")
    against_recbole.write_splits(tmp_path, 1, (0.8, 0.1, 0.1), prepared)
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


@pytest.fixture(scope="module")
def netflix_like():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import netflix_like
    finally:
        sys.path.remove(str(BENCHMARKS))
    return netflix_like


def test_made_up_ratings_are_what_the_prize_has(netflix_like, tmp_path):
    """As many as asked for, of distinct pairs (the loader refuses others), with all users and items."""
    from cragru.data.netflix_prize import load

    for folder in ("a", "b"):
        netflix_like.write(tmp_path / folder, netflix_like.draw(400, 300, 20_000, 1), 1)
    texts = [(tmp_path / name / "combined_data_1.txt").read_bytes() for name in ("a", "b")]
    assert texts[0] == texts[1]
    rows = load(tmp_path / "a").interactions
    assert (len(rows), rows["user"].nunique(), rows["item"].nunique()) == (20_000, 400, 300)
    assert set(rows["rating"]) == {1.0, 2.0, 3.0, 4.0, 5.0}
    days = pd.to_datetime(rows["timestamp"], unit="s")
    assert pd.Timestamp("1998-10-01") <= days.min()
    assert days.max() <= pd.Timestamp("2005-12-31")
    for column in ("user", "item"):  # a long tail: even shares would give the first tenth 10 %
        counts = rows[column].value_counts()
        assert counts[: len(counts) // 10].sum() > 0.2 * len(rows)


def test_made_up_tastes_can_be_learned(netflix_like):
    """Factors of the training rows rank a user's other rows above those that popularity ranks so."""
    drawn = netflix_like.draw(400, 300, 8_000, 1)
    held = np.random.default_rng(2).random(8_000) < 0.2
    seen, other = np.zeros((400, 300)), np.zeros((400, 300), dtype=bool)
    seen[drawn.user[~held], drawn.item[~held]] = 1
    other[drawn.user[held], drawn.item[held]] = True
    u, s, v = np.linalg.svd(seen, full_matrices=False)
    factors = (u[:, :20] * s[:20]) @ v[:20]
    popularity = np.tile(seen.sum(axis=0), (400, 1))
    found = []
    for scores in (factors, popularity):
        best = np.argsort(np.where(seen > 0, -np.inf, scores), axis=1)[:, -10:]
        found.append(np.take_along_axis(other, best, axis=1).mean())
    assert found[0] > 2 * found[1]
