"""Ten shards trained together against one model of everything: seconds of equal epochs, as ratios from one run.

The data are random, of ML-100K's shape: how often an item occurs falls with its rank. Turns alternate, so that a slow
moment of the machine meets all. Gates: 1.5 times at an equal batch (a shard's batches are as large as the one model's,
so a row is visited in as many steps), 4 times at the batch of 256 that shards have by default. They hold for BPR;
LightGCN's ratios are printed.
"""

import argparse
import importlib
import json
import os
import resource
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch reads it

GATES = {"equal": 1.5, "256": 4.0}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Time shards that are trained together against one model."
    )
    parser.add_argument("--users", type=int, default=943)
    parser.add_argument("--items", type=int, default=1682)
    parser.add_argument("--rows", type=int, default=73_000)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-by-one", action="store_true", help="also each shard by itself")
    parser.add_argument("--backbones", nargs="+", default=["bpr", "lightgcn"])
    parser.add_argument("--out", type=Path, help="JSON: seconds of an epoch, by backbone and plan")
    parser.add_argument("--no-gates", action="store_true", help="only print: for a busy machine")
    return parser.parse_args()


def random_data(arguments: argparse.Namespace):
    """Draw interactions without repetition, a tenth of them for validation, and each user's shard."""
    import torch

    from cragru.backbones.base import TrainingData

    generator = torch.Generator().manual_seed(1)
    popularity = 1 / torch.arange(10, arguments.items + 10).double()
    users = torch.randint(arguments.users, (2 * arguments.rows,), generator=generator)
    items = torch.multinomial(popularity, len(users), replacement=True, generator=generator)
    keys = torch.unique(users * arguments.items + items)
    keys = keys[torch.randperm(len(keys), generator=generator)[: arguments.rows]]
    pairs = torch.stack([keys // arguments.items, keys % arguments.items])
    train, valid = pairs.split([len(keys) * 9 // 10, len(keys) - len(keys) * 9 // 10], dim=1)
    data = TrainingData(tuple(train), tuple(valid), arguments.users, arguments.items)
    return data, tuple(part[0] % arguments.shards for part in (train, valid))


def seconds(backbone: str, tasks: list, epochs: int) -> tuple[float, float]:
    """Return the seconds of training, and of training with validation, over so many epochs."""
    import torch

    from cragru.backbones.lightgcn import Options
    from cragru.backbones.trainer import Trainer

    layers, penalty = (2, 1e-5) if backbone == "lightgcn" else (0, 0.0)
    shared = {
        "dimensions": 64,
        "learning_rate": 0.005,
        "batch_size": 2048,
        "epochs": epochs,
        "patience": epochs,
    }
    options = Options(**shared, layers=layers, regularisation=penalty)
    build = importlib.import_module(f"cragru.backbones.{backbone}").build
    done = Trainer(build, tasks, options, 1, torch.device("cpu")).fit()
    curve = done[0].curve
    training = sum(epoch.train_seconds for epoch in curve)
    return training, training + sum(epoch.valid_seconds for epoch in curve)


def main() -> None:
    """Run and print."""
    arguments = parse_arguments()
    import torch

    from cragru.backbones.learner import Task
    from cragru.backbones.training import warm_up
    from cragru.unlearning.sharding import cut

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    warm_up("cpu")
    data, shards = random_data(arguments)
    pieces = cut(data, shards, arguments.shards)
    missed, found = [], {}
    for backbone in arguments.backbones:
        plans = {"one": [Task(data, backbone, 2048)]}
        for name, batch in (("equal", 2048), ("256", 256)):
            plans[name] = [
                Task(piece, f"{backbone}-shard-{k}", batch) for k, piece in enumerate(pieces)
            ]
        times = {name: [] for name in plans}
        for _ in range(arguments.rounds):
            for name, tasks in plans.items():
                times[name].append(seconds(backbone, tasks, arguments.epochs))
        best = {
            name: [min(column) / arguments.epochs for column in zip(*its, strict=True)]
            for name, its in times.items()
        }
        found[backbone] = {name: its[0] for name, its in best.items()}
        if arguments.one_by_one:
            parts = [seconds(backbone, [task], arguments.epochs)[0] for task in plans["256"]]
            found[backbone]["one by one"] = sum(parts) / arguments.epochs
        alone = best["one"]
        print(f"{backbone}: one model {alone[0]:.3f} s an epoch, {alone[1]:.3f} with validation")
        for name, gate in GATES.items():
            ratios = [got / one for got, one in zip(best[name], alone, strict=True)]
            if ratios[0] > gate and backbone == "bpr":
                missed.append(f"batch {name}: {ratios[0]:.2f}")
            print(
                f"  {arguments.shards} shards together, batch {name}: {ratios[0]:.2f} times, "
                f"{ratios[1]:.2f} with validation (gate {gate}; best of {arguments.rounds} rounds)"
            )
    if arguments.out:
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        content = json.dumps({"seconds": found, "peak_bytes": peak})
        arguments.out.write_text(content, encoding="utf-8")
    if missed and not arguments.no_gates:
        sys.exit(f"BPR's gates were missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
