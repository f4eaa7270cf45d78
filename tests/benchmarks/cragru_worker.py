"""Train and test one cragru backbone on a given split, and write its accuracy and seconds as JSON.

The counterpart of `recbole_worker.py`: same arguments, same files in, same record out, so that `against_recbole.py`
can compare them. The clock runs from reading the split to the last test metric; imports are outside.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import time
from pathlib import Path
from typing import Any

import pandas as pd

CUTOFFS = (5, 10, 20)
PACKAGES = ("torch", "dgl", "numpy")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Train and test one cragru backbone on a given split."
    )
    parser.add_argument(
        "--split", type=Path, required=True, help="folder that holds bench/bench.*.inter"
    )
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--patience", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def read_split(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the atomic files; their tokens are the dense ids already."""
    return {
        part: pd.read_csv(folder / "bench" / f"bench.{part}.inter", sep="\t").set_axis(
            ["user", "item"], axis=1
        )
        for part in ("train", "valid", "test")
    }


def copy_rate(size: int) -> float:
    """Return the bytes a second that this machine reads and writes when it copies so many bytes over and over."""
    import torch

    source = torch.zeros(size // 4)
    target, seconds = torch.empty_like(source), []
    for _ in range(20):
        start = time.perf_counter()
        target.copy_(source)
        seconds.append(time.perf_counter() - start)
    return 2 * size / min(seconds)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train with early stopping, evaluate with training and validation rows masked."""
    import torch

    from cragru.backbones.base import TrainingData, pairs
    from cragru.backbones.training import train_backbone, training_options, warm_up
    from cragru.evaluation.utility import per_user_utility

    torch.set_num_threads(arguments.threads)
    warm_up("cpu")  # outside the clock, as RecBole's imports are
    start = time.perf_counter()
    parts = read_split(arguments.split)
    together = pd.concat(parts.values())
    users, items = int(together["user"].max()) + 1, int(together["item"].max()) + 1
    module = f"cragru.backbones.{arguments.backbone}"
    given = {
        name: getattr(arguments, name)
        for name in ("learning_rate", "batch_size", "epochs", "patience")
    }
    graph = {"layers": 2, "regularisation": 1e-5} if arguments.backbone == "lightgcn" else {}
    options = training_options(module, {"dimensions": 64, **given, **graph})
    data = TrainingData(pairs(parts["train"]), pairs(parts["valid"]), users, items)
    cpu = time.process_time()
    training, _ = train_backbone(module, arguments.backbone, data, options, arguments.seed, "cpu")
    cpu = time.process_time() - cpu
    parts["forget"] = parts["train"].iloc[:0]
    ranking = time.perf_counter()
    table = per_user_utility(training.model, parts, users, items).query(
        "mask == 'A' and k in @CUTOFFS"
    )
    ranking = time.perf_counter() - ranking
    means = table.groupby("k")[["hr", "ndcg"]].mean()
    return {
        "users": users,
        "items": items,
        "epochs_run": len(training.curve),
        "best_epoch": training.best_epoch,
        "train_seconds": sum(epoch.train_seconds for epoch in training.curve),
        "valid_seconds": sum(epoch.valid_seconds for epoch in training.curve),
        "total_seconds": time.perf_counter() - start,
        "ranking_seconds": ranking,
        "cpu_seconds": cpu,
        "steps": training.steps,
        "table_bytes": 4 * 64 * (users + items),
        "copied_bytes_per_second": copy_rate(4 * 4 * 64 * (users + items)),
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "test": {
            f"{metric}@{k}": float(means.loc[k, metric])
            for k in CUTOFFS
            for metric in ("hr", "ndcg")
        },
    }


def main() -> None:
    """Run and write the record."""
    arguments = parse_arguments()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    record = run(arguments) | {
        name: getattr(arguments, name) for name in ("backbone", "seed", "threads")
    }
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    record["versions"] = {"python": platform.python_version(), **versions}
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
