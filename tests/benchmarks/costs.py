"""Table III of one request, made alone and beside busy processes: which seconds other work on the machine changes.

One user of ML-100K leaves (protocol `one-user`, the first draw of a seed), and methods serve the request as the
workflow does: three runs where one takes less than 5 s. Rounds alternate between alone and beside busy processes, so
that a slow hour of the machine meets both. *Alone* is what the machine gives: the load is printed.
"""

import argparse
import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch reads it

BACKBONES, METHODS = ("bpr", "lightgcn"), ("retrain", "scif")
PROTOCOL, SEED = "one-user", 1
ALONE = "alone"


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make Table III alone and beside busy processes.")
    parser.add_argument("--busy", type=int, default=4, help="processes beside the methods")
    parser.add_argument(
        "--rounds", type=int, default=3, help="tables of each kind, whose medians are shown"
    )
    parser.add_argument(
        "--epochs", type=int, help="most epochs of a training; else the configured ones"
    )
    return parser.parse_args()


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many processes busy."""
    loop = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(loop) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def request_contexts(folder: Path, epochs: int | None) -> dict[tuple[str, str], object]:
    """Split ML-100K, train the original of each backbone, and let one user leave; return the request of each method."""
    import numpy as np

    import cragru
    from cragru.backbones.files import deployed_data
    from cragru.backbones.training import train_backbone, training_options
    from cragru.config.base import load_yaml
    from cragru.data.parts import write_parts
    from cragru.data.split import draw_user, forget_and_split, take_users
    from cragru.plan.loading import load_project
    from cragru.unlearning.base import Context
    from cragru.unlearning.files import FileReader
    from cragru.written.paths import REPOSITORY

    project = load_project(load_yaml(REPOSITORY / "config/config.yaml"), REPOSITORY)
    data = cragru.load("ml-100k")
    sizes, protocol = (len(data.users), len(data.items)), project.protocols[PROTOCOL]
    rows = forget_and_split(
        data.interactions, protocol.forget.model_dump(), list(protocol.ratios), SEED
    )
    write_parts(folder / "state", rows, data.interactions)
    users = data.interactions["user"].to_numpy()
    left = take_users(rows, users, draw_user(users, 1, SEED))
    divided = np.concatenate(list(rows.values()))
    write_parts(folder / "request", left, data.interactions, divided)

    contexts = {}
    for backbone in BACKBONES:
        module = project.backbone(backbone).module
        options = training_options(module, project.training_options("ml-100k", backbone))
        if epochs:
            options = options.model_copy(update={"epochs": epochs})
        deployed, original = (
            deployed_data(folder / "state", sizes),
            folder / f"{backbone}.safetensors",
        )
        training, _ = train_backbone(module, backbone, deployed, options, SEED, "cpu")
        training.model.save(original)
        reader = FileReader(folder / "request", sizes, original, folder / "request/forget.parquet")
        for method in METHODS:
            own = project.method_options("ml-100k", backbone, method)
            context = Context(reader, module, backbone, options, own, SEED, "cpu")
            contexts[backbone, method] = context
    return contexts


def serve(contexts: dict[tuple[str, str], object], number: int) -> list[dict[str, object]]:
    """Serve the request with every method; return the records of Table III."""
    from cragru.plan.training import REPEATS
    from cragru.unlearning.repeats import unlearn_repeatedly

    records = []
    for (backbone, method), context in contexts.items():
        unlearn = importlib.import_module(f"cragru.unlearning.{method}").unlearn
        cost = unlearn_repeatedly(unlearn, context, REPEATS).cost
        names = {"dataset": "ML-100K", "backbone": backbone, "method": method, "printed": method}
        where = {"seed": SEED, "request": f"round {number}", "ready": "all users"}
        records.append(names | where | cost.as_dict())
    return records


def main() -> None:
    """Run and print."""
    arguments = parse_arguments()
    import torch

    from cragru.backbones.training import warm_up
    from cragru.reporting.costs import SEQUENTIAL, counted
    from cragru.reporting.grid import markdown
    from cragru.reporting.time_table import time_grid, time_table

    torch.set_num_threads(1)
    warm_up("cpu")
    beside = f"beside {arguments.busy} busy processes"
    records, loads = {ALONE: [], beside: []}, {ALONE: [], beside: []}
    with tempfile.TemporaryDirectory() as folder:
        contexts = request_contexts(Path(folder), arguments.epochs)
        for number in range(1, arguments.rounds + 1):
            for kind, count in ((ALONE, 0), (beside, arguments.busy)):
                with busy(count):
                    records[kind] += serve(contexts, number)
                    loads[kind].append(os.getloadavg()[0])
    tables = {kind: time_table(its, "retrain", None) for kind, its in records.items()}
    for kind, table in tables.items():
        load = ", ".join(f"{one:.1f}" for one in loads[kind])
        print(f"{markdown(*time_grid(table), f'Table III, {kind}')}\n")
        print(f"Load of {os.cpu_count()} cores at the end of each round: {load}\n")
    before, after = tables.values()
    for place, row in before.iterrows():
        ratios = []
        for name, column in (("CPU", counted(SEQUENTIAL)), ("wall", SEQUENTIAL)):
            idle, slow = row[column], after.loc[place, column]
            ratios.append(f"{name} {idle:.3f} s, {slow:.3f} s, ratio {slow / idle:.2f}")
        times = row["times_retrain"], after.loc[place, "times_retrain"]
        walls = [
            table.loc[place - place % len(METHODS), SEQUENTIAL] / table.loc[place, SEQUENTIAL]
            for table in (before, after)
        ]
        print(
            f"{row['backbone']} {row['method']}, alone and {beside}: {'; '.join(ratios)}; "
            f"times Retrain by CPU {times[0]:.2f}, {times[1]:.2f}, by wall {walls[0]:.2f}, {walls[1]:.2f}"
        )


if __name__ == "__main__":
    main()
