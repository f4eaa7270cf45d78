"""How good cragru's backbones are: beside popularity, neighbour and linear models and iALS, on one split of ML-100K.

    make benchbackbones

The split is that of protocol `paper` (a tenth of the rows is forgotten, the rest is split), so every model has what
Retrain has: it fits the training rows, chooses among the few options of `GRIDS` by NDCG@10 on validation rows, and is
evaluated once on the test rows, by cragru's evaluator (full ranking, mask A). No model is fitted to validation rows.
BPR and LightGCN are Retrain with the options of config/params.yaml. CPU seconds are of the whole search.
"""

import argparse
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # before numpy and torch read it

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402
from numpy import ndarray  # noqa: E402

import cragru  # noqa: E402
from cragru.api import Split  # noqa: E402
from cragru.backbones.base import Scorer, pairs  # noqa: E402
from cragru.evaluation.utility import mask, per_user_utility  # noqa: E402
from cragru.ranking.full import Pairs, pair_mask, top_items  # noqa: E402
from cragru.ranking.hits import ndcg  # noqa: E402

K = 10


def popularity(rows: ndarray) -> ndarray:
    """Score an item by its number of training rows; `rows` and the scores are `[users, items]`."""
    return np.broadcast_to(rows.sum(axis=0), rows.shape)


def item_knn(rows: ndarray, neighbours: int, shrink: float) -> ndarray:
    """Score an item by its likeness to the user's items, among the items nearest to it (Sarwar et al. 2001)."""
    return rows @ nearest(likeness(rows.T, shrink), neighbours).T


def user_knn(rows: ndarray, neighbours: int, shrink: float) -> ndarray:
    """Score an item by the likeness of the users who have it, among the users nearest to the user."""
    return nearest(likeness(rows, shrink), neighbours) @ rows


def likeness(vectors: ndarray, shrink: float) -> ndarray:
    """Return the cosine of each pair of vectors `[n, m]`, ``⟨a, b⟩ / (‖a‖ ‖b‖ + shrink)``, and 0 of one with itself."""
    norms = np.sqrt(np.square(vectors).sum(axis=1))
    products = vectors @ vectors.T
    alike = products / np.maximum(np.outer(norms, norms) + shrink, 1e-12)
    np.fill_diagonal(alike, 0)
    return alike


def nearest(alike: ndarray, neighbours: int) -> ndarray:
    """Keep the largest entries of each row of `[n, n]`, and set the others to 0."""
    kept = np.zeros_like(alike)
    places = np.argsort(-alike, axis=1, kind="stable")[:, :neighbours]
    np.put_along_axis(kept, places, np.take_along_axis(alike, places, axis=1), axis=1)
    return kept


def pure_svd(rows: ndarray, factors: int) -> ndarray:
    """Score by the best approximation of the rows by so many factors (Cremonesi et al. 2010)."""
    left, sizes, right = np.linalg.svd(rows, full_matrices=False)
    return (left[:, :factors] * sizes[:factors]) @ right[:factors]


def ease(rows: ndarray, penalty: float) -> ndarray:
    """Score by the items' regression on one another (EASE, Steck 2019)."""
    return rows @ ease_weights(rows, penalty)


def ease_weights(rows: ndarray, penalty: float) -> ndarray:
    """Return B `[items, items]` of diagonal 0 that minimises ``‖X − XB‖² + λ ‖B‖²``; X is `rows`, λ `penalty`."""
    inverse = np.linalg.inv(rows.T @ rows + penalty * np.eye(rows.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def ials(rows: ndarray, factors: int, background: float, penalty: float) -> ndarray:
    """Score by the inner product of the factors that alternating least squares finds."""
    of_users, of_items = ials_factors(rows, factors, background, penalty)
    return of_users @ of_items.T


def ials_factors(
    rows: ndarray, factors: int, background: float, penalty: float, sweeps: int = 16
) -> tuple[ndarray, ndarray]:
    """Return factors of users and items (iALS, Hu et al. 2008; weighted penalty as Rendle et al. 2022).

    The loss is ``Σ_rows (x − 1)² + α Σ_all x² + λ Σ_u (n_u + α items) ‖p_u‖² + λ Σ_i (n_i + α users) ‖q_i‖²``, where
    x = ⟨p_u, q_i⟩ and n counts rows; α is `background`, λ `penalty`.
    """
    stream = np.random.default_rng(1)
    of_items = stream.normal(0, 0.1 / factors**0.5, (rows.shape[1], factors))
    for _ in range(sweeps):
        of_users = least_squares(rows, of_items, background, penalty)
        of_items = least_squares(rows.T, of_users, background, penalty)
    return of_users, of_items


def least_squares(rows: ndarray, others: ndarray, background: float, penalty: float) -> ndarray:
    """Return the factors `[n, d]` that minimise iALS's loss for `rows` `[n, m]`, the others' `[m, d]` fixed."""
    count, d = others.shape
    everywhere = background * others.T @ others
    solved = np.zeros((len(rows), d))
    for number, row in enumerate(rows):
        own = others[row > 0]
        ridge = penalty * (len(own) + background * count)
        solved[number] = np.linalg.solve(
            own.T @ own + everywhere + ridge * np.eye(d), own.sum(axis=0)
        )
    return solved


GRIDS: Mapping[str, tuple[Callable[..., ndarray], Mapping[str, Sequence[float]]]] = {
    "popularity": (popularity, {}),
    "ItemKNN": (item_knn, {"neighbours": [20, 50, 100, 200], "shrink": [0, 10, 50, 100]}),
    "UserKNN": (user_knn, {"neighbours": [20, 50, 100, 200], "shrink": [0, 10, 50, 100]}),
    "PureSVD": (pure_svd, {"factors": [8, 12, 16, 24, 32, 48, 64]}),
    "EASE": (ease, {"penalty": [50, 100, 200, 400, 800, 1600]}),
    "iALS": (
        ials,
        {
            "factors": [32, 64],
            "background": [0.1, 0.2, 0.4],
            "penalty": [0.01, 0.02, 0.04],
        },
    ),
}
TRAINED = {"bpr": "BPR", "lightgcn": "LightGCN"}


class Scores:
    """A matrix of scores as the evaluator wants a model."""

    def __init__(self, matrix: ndarray) -> None:
        self.matrix = torch.from_numpy(np.array(matrix, dtype=np.float64))

    def score(self, users: torch.Tensor) -> torch.Tensor:
        return self.matrix[users].clone()


class Validation:
    """NDCG@10 on validation rows with training rows masked: what an early stop of cragru looks at."""

    def __init__(self, train: Pairs, valid: Pairs, users: int, items: int) -> None:
        self.users = torch.unique(valid[0])
        self.masked = pair_mask(train, users, items)[self.users]
        self.relevant = pair_mask(valid, users, items)[self.users]

    def ndcg(self, scores: Scores) -> float:
        best, ranked = top_items(scores.score(self.users), self.masked, K)
        hits = self.relevant.gather(1, best) & ranked
        return ndcg(hits, self.relevant.sum(dim=1), K).mean().item()


def choices(grid: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """List all options of a grid."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def tuned(
    fit: Callable[..., ndarray],
    grid: Mapping[str, Sequence[float]],
    rows: ndarray,
    validation: Validation,
) -> tuple[Scores, dict[str, float], float]:
    """Fit every choice; return the scores, the options and the validation NDCG@10 of the best, the first of equals."""
    best = None
    for options in choices(grid):
        scores = Scores(fit(rows, **options))
        value = validation.ndcg(scores)
        if best is None or value > best[2]:
            best = scores, options, value
    return best


def evaluated(model: str, scorer: Scorer, split: Split, **facts: object) -> dict[str, object]:
    """Average HR@10 and NDCG@10 under mask A over users; `_se` is the standard error of the mean.

    `gone_items` counts items all of whose rows are forgotten, and `gone_places` their places on users' lists of ten.
    """
    per_user = per_user_utility(scorer, split.parts, *split.sizes)
    own = per_user.query("mask == 'A' and k == @K")
    row: dict[str, object] = {"model": model, "users": len(own)}
    for metric in ("hr", "ndcg"):
        row |= {metric: own[metric].mean(), f"{metric}_se": own[metric].sem()}
    is_gone = gone_items(split)
    users = torch.from_numpy(own["user"].to_numpy())
    seen = mask("A", split.parts, *split.sizes).rows(users)
    best, _ = top_items(scorer.score(users), seen, K)
    row |= {"gone_items": int(is_gone.sum()), "gone_places": int(is_gone[best].sum())}
    return row | facts


def gone_items(split: Split) -> torch.Tensor:
    """Mark the items that have forgotten rows and no others, `[items]` bool."""
    is_left = torch.zeros(split.sizes[1], dtype=torch.bool)
    for part in ("train", "valid", "test"):
        is_left[pairs(split.parts[part])[1]] = True
    has_forgotten = torch.zeros_like(is_left)
    has_forgotten[pairs(split.parts["forget"])[1]] = True
    return has_forgotten & ~is_left


def fitted(split: Split, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Search the grid of each of the models, and evaluate its best."""
    users, items = split.sizes
    train, valid = pairs(split.parts["train"]), pairs(split.parts["valid"])
    rows = pair_mask(train, users, items).double().numpy()
    validation = Validation(train, valid, users, items)
    for name in names:
        fit, grid = GRIDS[name]
        begun = time.process_time()
        scores, options, value = tuned(fit, grid, rows, validation)
        seconds = time.process_time() - begun
        how = ", ".join(f"{option} {chosen:g}" for option, chosen in options.items())
        yield evaluated(name, scores, split, valid=value, chosen=how, cpu_seconds=seconds)


def retrained(split: Split, names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Train the backbones as Retrain does; their early stop looks at the same validation rows."""
    for name in names:
        begun = time.process_time()
        model = split.unlearn("retrain", name)
        seconds = time.process_time() - begun
        label, how = f"{TRAINED[name]} (Retrain)", "as config/params.yaml"
        yield evaluated(label, model.factors, split, chosen=how, cpu_seconds=seconds)


def show(table: pd.DataFrame) -> str:
    """Lay out the table of docs/fidelity.md."""
    shown = table[["model"]].copy()
    for metric in ("hr", "ndcg"):
        cells = zip(table[metric], table[f"{metric}_se"], strict=True)
        shown[f"{metric.upper()}@{K}"] = [
            f"{short(mean)} ± {short(error)}" for mean, error in cells
        ]
    shown["chosen"] = table["chosen"]
    return shown.to_markdown(index=False, disable_numparse=True)


def short(value: float) -> str:
    """Print three digits, without the 0 before the point."""
    return f"{value:.3f}".removeprefix("0")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    models = [*GRIDS, *TRAINED]
    parser = argparse.ArgumentParser(description="cragru's backbones beside other recommenders")
    parser.add_argument("--seed", type=int, default=1, help="of the split and the trainings")
    parser.add_argument("--only", nargs="+", choices=models, default=models, metavar="MODEL")
    parser.add_argument("--csv", type=Path, help="write the numbers there, too")
    return parser.parse_args()


def main() -> None:
    """Fit, choose, evaluate, print, best NDCG@10 first."""
    arguments = parse_arguments()
    torch.set_num_threads(1)
    split = cragru.load("ml-100k").split("paper", seed=arguments.seed)
    chosen = [name for name in arguments.only if name in GRIDS]
    trained = [name for name in arguments.only if name in TRAINED]
    rows = [*fitted(split, chosen), *retrained(split, trained)]
    table = pd.DataFrame(rows).sort_values("ndcg", ascending=False)
    print(show(table))
    if arguments.csv:
        table.to_csv(arguments.csv, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
