"""The models that stand beside cragru's backbones, by hand and by brute force."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ROWS = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 0, 1.0]])  # users and items


@pytest.fixture
def models(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import backbones

    return backbones


def test_popularity_ranks_by_the_number_of_rows_for_everybody(models):
    assert models.popularity(ROWS).tolist() == [[2, 3, 1, 1]] * 3


def test_likeness_by_hand(models):
    """Items 0 and 1 share two users of two and three; shrinking adds to the product of the norms."""
    assert models.likeness(ROWS.T, 0)[0].tolist() == pytest.approx([0, 2 / 6**0.5, 1 / 2**0.5, 0])
    assert models.likeness(ROWS.T, 2)[0, 1] == pytest.approx(2 / (6**0.5 + 2))


def test_likeness_to_one_without_rows_is_0(models):
    assert not models.likeness(np.array([[0, 0], [1, 1.0]]), 0).any()


def test_item_knn_sums_over_the_nearest_items_of_each_item(models):
    """Nearest of items 2 and 3 are item 0 (1 / √2) and item 1 (1 / √3); user 0 has both."""
    scores = models.item_knn(ROWS, neighbours=1, shrink=0)
    assert scores[0, 2:].tolist() == pytest.approx([2**-0.5, 3**-0.5])
    assert scores[2, 2:].tolist() == pytest.approx([0, 3**-0.5])  # who lacks item 0


def test_user_knn_scores_what_the_nearest_user_has(models):
    """User 0 is nearest to user 1, with 2 / √6."""
    scores = models.user_knn(ROWS, neighbours=1, shrink=0)
    assert scores[0].tolist() == pytest.approx([2 / 6**0.5] * 3 + [0])


def test_pure_svd_of_full_rank_gives_the_rows_back_and_of_rank_one_the_best(models):
    assert models.pure_svd(ROWS, 3) == pytest.approx(ROWS)
    values, vectors = np.linalg.eigh(ROWS.T @ ROWS)
    best = vectors[:, values.argmax()]
    assert models.pure_svd(ROWS, 1) == pytest.approx(ROWS @ np.outer(best, best))


def test_ease_of_two_items_by_hand(models):
    """Item 0 from item 1 alone is a ridge regression: 2 common users / (3 users + λ), and back 2 / (2 + λ)."""
    rows, penalty = ROWS[:, :2], 0.5
    expected = [[0, 2 / (2 + penalty)], [2 / (3 + penalty), 0]]
    assert models.ease_weights(rows, penalty) == pytest.approx(np.array(expected))


def test_ease_is_where_the_gradient_is_0_but_for_the_diagonal(models):
    """The condition of Karush, Kuhn and Tucker: XᵀX (B − 1) + λB is diagonal, and so is nothing of B."""
    rows = np.random.default_rng(3).integers(0, 2, (20, 6)).astype(float)
    weights = models.ease_weights(rows, 2.0)
    slope = rows.T @ (rows @ weights - rows) + 2.0 * weights
    off_diagonal = slope - np.diag(np.diag(slope))
    assert np.diag(weights).tolist() == [0] * 6
    assert off_diagonal == pytest.approx(np.zeros((6, 6)), abs=1e-9)
    assert np.abs(np.diag(slope)).min() > 0.1  # the multipliers of what is held at 0


def test_a_half_sweep_of_ials_is_the_ridge_regression_over_all_items(models):
    """Every item is an equation, of weight 1 + α for a row and α else; the target of a row is 1 / (1 + α)."""
    others = np.random.default_rng(4).normal(size=(4, 2))
    background, penalty = 0.3, 0.2
    got = models.least_squares(ROWS, others, background, penalty)
    for row, factors in zip(ROWS, got, strict=True):
        weights = np.diag(row + background)
        ridge = penalty * (row.sum() + background * 4) * np.eye(2)
        targets = row / (row + background)
        expected = np.linalg.solve(
            others.T @ weights @ others + ridge, others.T @ weights @ targets
        )
        assert factors == pytest.approx(expected)


def test_sweeps_of_ials_never_raise_its_loss(models):
    def loss(scores_of, sweeps):
        of_users, of_items = scores_of(sweeps)
        scores = of_users @ of_items.T
        counts = ROWS.sum(axis=1) + 0.3 * 4, ROWS.sum(axis=0) + 0.3 * 3
        squares = np.square(of_users).sum(axis=1), np.square(of_items).sum(axis=1)
        shrunk = sum(n @ size for n, size in zip(counts, squares, strict=True))
        return (ROWS * (scores - 1) ** 2).sum() + 0.3 * (scores**2).sum() + 0.1 * shrunk

    losses = [loss(lambda n: models.ials_factors(ROWS, 2, 0.3, 0.1, n), n) for n in (1, 2, 4, 8)]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1]


def test_the_search_takes_the_best_on_validation_rows_alone(models):
    """User 0 holds item 2 out; only the right choice puts it above item 3."""
    users, items = np.nonzero(ROWS)
    train = models.torch.from_numpy(users), models.torch.from_numpy(items)
    valid = models.torch.tensor([0]), models.torch.tensor([2])
    validation = models.Validation(train, valid, 3, 4)

    def fit(rows, liked):
        return np.eye(4)[[liked] * 3] - rows  # what is in training is masked anyway

    _, options, value = models.tuned(fit, {"liked": [3, 2]}, ROWS, validation)
    assert options == {"liked": 2}
    assert value == 1


def test_items_all_of_whose_rows_are_forgotten(models):
    """Item 0 is forgotten by one user alone, item 1 is gone, item 2 has no row at all."""
    empty = pd.DataFrame({"user": [], "item": []}).astype("int64")
    parts = dict.fromkeys(("valid", "test"), empty)
    parts["train"] = pd.DataFrame({"user": [0], "item": [0]})
    parts["forget"] = pd.DataFrame({"user": [1, 1], "item": [0, 1]})
    split = SimpleNamespace(parts=parts, sizes=(2, 3))
    assert models.gone_items(split).tolist() == [False, True, False]
