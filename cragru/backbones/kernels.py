"""Gradients of BPR and of LightGCN's penalty on a CPU, compiled by numba: a step's triplets one by one.

Numba keeps what it has compiled beside this file, or in the user's cache folder where it cannot write there.
"""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

# what makes a vector of a loop; not that a number may be taken for finite: a loss that is none must be seen
FREEDOMS = {"reassoc", "contract", "nsz", "arcp", "afn"}


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function on its first call, or read what an earlier process has compiled."""
    compiled = numba.njit(function, fastmath=FREEDOMS)
    with contextlib.suppress(RuntimeError):  # no folder to keep it in: compile it each time
        compiled.enable_caching()
    return compiled


@_compiled
def add_bpr(
    factors: np.ndarray,
    users: np.ndarray,
    positives: np.ndarray,
    negatives: np.ndarray,
    weights: np.ndarray,
    models: np.ndarray,
    losses: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Add the weighted loss ``-log σ(x_ui - x_uj)`` of each triplet to its model's, and its gradient by `factors`.

    Args:
        factors: `[nodes, d]`.
        users: `[B]` rows of `factors`.
        positives: `[B]`.
        negatives: `[B]`.
        weights: `[B]`.
        models: `[B]`, the place of each triplet's model in `losses`.
        losses: `[models]`, added to.
        gradient: `[nodes, d]`, added to.
    """
    dimensions = factors.shape[1]
    zero = factors.dtype.type(0)
    # three loops: exponential and logarithm between the rows' loads would stall these
    slopes = np.empty(len(users), dtype=factors.dtype)
    for triplet in range(len(users)):
        u, i, j = factors[users[triplet]], factors[positives[triplet]], factors[negatives[triplet]]
        margin = zero
        for k in range(dimensions):
            margin += u[k] * (i[k] - j[k])
        slopes[triplet] = margin
    for triplet in range(len(users)):
        margin, weight = slopes[triplet], weights[triplet]
        # both forms of σ(-margin) and of its logarithm, so that no exponential is too large
        small = math.exp(-abs(margin))
        slope = small / (1 + small) if margin > 0 else 1 / (1 + small)
        losses[models[triplet]] += weight * (math.log1p(small) + max(-margin, zero))
        slopes[triplet] = -weight * slope
    for triplet in range(len(users)):
        user, positive, negative = users[triplet], positives[triplet], negatives[triplet]
        u, i, j = factors[user], factors[positive], factors[negative]
        by_user, by_positive, by_negative = gradient[user], gradient[positive], gradient[negative]
        factor = slopes[triplet]
        for k in range(dimensions):
            by_item = factor * u[k]
            by_user[k] += factor * (i[k] - j[k])
            by_positive[k] += by_item
            by_negative[k] -= by_item


@_compiled
def add_norms(
    table: np.ndarray,
    rows: np.ndarray,
    models: np.ndarray,
    weights: np.ndarray,
    penalties: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Add the norm of each model's rows ``w ‖E‖_F`` to its penalty, and its gradient ``w e / ‖E‖_F`` by the table.

    Args:
        table: `[nodes, d]`.
        rows: `[B]` rows of `table`; one that is there n times counts n times.
        models: `[B]`, the place of each row's model in `penalties`.
        weights: `[models]`, w of each.
        penalties: `[models]`, added to.
        gradient: `[nodes, d]`, added to.
    """
    dimensions = table.shape[1]
    zero = table.dtype.type(0)
    squares = np.zeros_like(penalties)
    for number in range(len(rows)):
        row, square = table[rows[number]], zero
        for k in range(dimensions):
            square += row[k] * row[k]
        squares[models[number]] += square
    factors = np.zeros_like(penalties)
    for model in range(len(penalties)):
        if squares[model] > 0:  # a model without triplets in this step has no row to count
            norm = math.sqrt(squares[model])
            penalties[model] += weights[model] * norm
            factors[model] = weights[model] / norm
    for number in range(len(rows)):
        row, by_row = table[rows[number]], gradient[rows[number]]
        factor = factors[models[number]]
        for k in range(dimensions):
            by_row[k] += factor * row[k]


def load() -> None:
    """Compile both for float32, or read what an earlier process has compiled: a second that no timer should count."""
    table, rows = np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.int64)
    ones, totals, gradient = np.ones_like(table[0]), np.zeros_like(table[0]), np.zeros_like(table)
    add_bpr(table, rows, rows, rows, ones, rows, totals, gradient)
    add_norms(table, rows, rows, ones, totals, gradient)
