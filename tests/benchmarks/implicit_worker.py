"""Train and test implicit's BPR on a given split, and write its accuracy and seconds as JSON.

A second peer of `cragru_worker.py`: same arguments, same files in, same record out. implicit knows no early stop, so it
is validated after every few passes, stopped when validation NDCG@10 has not improved for `--patience` passes, and
tested where that was best. Its step is one triplet, so it has learning rates of its own: each of `RATES` is tried, and
the one that is best on validation rows counts, with its own seconds alone. It runs in RecBole's environment
(`envs/recbole.lock`).
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import platform
import resource
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from recbole_worker import parse_arguments
from scipy.sparse import csr_matrix

RATES = (0.005, 0.01, 0.02)
PENALTY = 0.001  # its default, .01, validates worse at every rate
PASSES = 5  # between two validations
CUTOFFS = (5, 10, 20)
CHUNK = 1024  # users that are ranked together


def metrics(
    model: Any, hidden: csr_matrix, judged: csr_matrix, cutoffs: tuple[int, ...]
) -> dict[str, float]:
    """Return mean HR and NDCG over the users with a judged item, by full ranking without the hidden items."""
    users = np.flatnonzero(np.diff(judged.indptr))
    most = max(cutoffs)
    discount = 1 / np.log2(np.arange(2, most + 2))
    ideal = np.concatenate([[0], np.cumsum(discount)])
    found = []
    for first in range(0, len(users), CHUNK):
        batch = users[first : first + CHUNK]
        scores = model.user_factors[batch] @ model.item_factors.T
        scores[hidden[batch].nonzero()] = -np.inf
        best = np.argpartition(-scores, most, axis=1)[:, :most]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        best = np.take_along_axis(best, order, axis=1)
        found.append(np.take_along_axis(judged[batch].toarray() > 0, best, axis=1))
    hits = np.concatenate(found)
    counts = np.diff(judged.indptr)[users]
    values = {}
    for k in cutoffs:
        gained = (hits[:, :k] * discount[:k]).sum(axis=1)
        values[f"hr@{k}"] = float(hits[:, :k].any(axis=1).mean())
        values[f"ndcg@{k}"] = float((gained / ideal[np.minimum(counts, k)]).mean())
    return values


class _PatienceOverError(Exception):
    """The patience is over: implicit has no other way to end a training."""


def train(arguments: Any, rate: float, parts: dict[str, csr_matrix]) -> dict[str, Any]:
    """Train at one learning rate; return the record, with the model of the best validation."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=64,
        learning_rate=rate,
        regularization=PENALTY,
        iterations=arguments.epochs,
        num_threads=arguments.threads,
        random_state=arguments.seed,
    )
    best: dict[str, Any] = {"valid": -1.0, "epoch": 0}
    validating = {"wall": 0.0, "passes": 0}

    def validate(number: int, *_: Any) -> None:
        validating["passes"] = number + 1
        if validating["passes"] % PASSES and validating["passes"] < arguments.epochs:
            return
        start = time.perf_counter()
        value = metrics(model, parts["train"], parts["valid"], (10,))["ndcg@10"]
        if value >= best["valid"]:
            best.update(valid=value, epoch=validating["passes"], model=copy.deepcopy(model))
        validating["wall"] += time.perf_counter() - start
        if validating["passes"] - best["epoch"] >= arguments.patience:
            raise _PatienceOverError

    start, cpu = time.perf_counter(), time.process_time()
    with contextlib.suppress(_PatienceOverError):
        model.fit(parts["train"], show_progress=False, callback=validate)
    wall = time.perf_counter() - start
    return best | {
        "rate": rate,
        "passes": validating["passes"],
        "train": wall - validating["wall"],
        "valid_seconds": validating["wall"],
        "cpu": time.process_time() - cpu,
    }


def run(arguments: Any) -> dict[str, Any]:
    """Try every learning rate, and test the one that validates best."""
    folder = arguments.split / "bench"
    frames = {
        part: pd.read_csv(folder / f"bench.{part}.inter", sep="\t").set_axis(
            ["user", "item"], axis=1
        )
        for part in ("train", "valid", "test")
    }
    together = pd.concat(frames.values())
    shape = (int(together["user"].max()) + 1, int(together["item"].max()) + 1)
    parts = {
        part: csr_matrix((np.ones(len(f), np.float32), (f["user"], f["item"])), shape=shape)
        for part, f in frames.items()
    }
    chosen = max((train(arguments, rate, parts) for rate in RATES), key=lambda one: one["valid"])
    hidden = (parts["train"] + parts["valid"]).tocsr()
    return {
        "epochs_run": chosen["passes"],
        "best_epoch": chosen["epoch"],
        "learning_rate": chosen["rate"],
        "train_seconds": chosen["train"],
        "valid_seconds": chosen["valid_seconds"],
        "total_seconds": chosen["train"] + chosen["valid_seconds"],
        "cpu_seconds": chosen["cpu"],
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "test": metrics(chosen["model"], hidden, parts["test"], CUTOFFS),
    }


def main() -> None:
    """Run and write the record."""
    arguments = parse_arguments()
    os.environ["OPENBLAS_NUM_THREADS"] = str(arguments.threads)
    record = run(arguments) | {
        name: getattr(arguments, name) for name in ("backbone", "seed", "threads")
    }
    packages = ("implicit", "numpy", "scipy")
    record["versions"] = {"python": platform.python_version()} | {
        name: version(name) for name in packages
    }
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
