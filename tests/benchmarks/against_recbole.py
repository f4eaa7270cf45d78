"""`make benchrecbole`: cragru's backbones against RecBole 1.2.1's, on identical split files, alternating in one run.

For each seed a data set is split anew (all data, nothing forgotten), and each library trains each backbone with the
hyper-parameters of config/params.yaml, each in a process of its own with the same number of threads. implicit's BPR
stands beside. Printed are epochs per second (training alone, and with the validation after each epoch), their ratio,
the test metrics of all with the CPU seconds and the memory that they took, and what a step of BPR moves in memory. The
ratios depend on the machine; an idle one gives them best.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tabulate import tabulate  # noqa: E402

from cragru.config.base import load_yaml, parse  # noqa: E402
from cragru.config.datasets import Registry  # noqa: E402
from cragru.config.models import BackboneEntry, Params  # noqa: E402
from cragru.data.download import fetch  # noqa: E402
from cragru.data.frames import INTERACTIONS  # noqa: E402
from cragru.data.prepare import prepare  # noqa: E402
from cragru.data.split import split_first  # noqa: E402
from cragru.kept.files import read_parquet  # noqa: E402

PEERS = ROOT / ".venv-recbole" / "bin" / "python"
PYTHONS = {"recbole": PEERS, "cragru": Path(sys.executable), "implicit": PEERS}
WANTED = {"bpr": 8.0, "lightgcn": 15.0}  # epochs per second, training alone, times RecBole's
PASSES = 8  # over a table in a step of BPR: Adam reads 4 tables and writes 3, and the gradient is cleared
WANTED_SHARE = 0.6  # of the machine's own copy rate
NDCG_MARGIN, METRIC_MARGIN = 0.01, 0.015
METRICS = ("hr@10", "ndcg@10")
Records = dict[tuple[str, str], list[dict[str, Any]]]  # by library and backbone, one a seed


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="cragru's backbones against RecBole's on identical split files"
    )
    parser.add_argument("--dataset", default="ml-100k", help="of config/datasets.yaml")
    parser.add_argument("--backbones", nargs="+", default=list(WANTED), choices=list(WANTED))
    parser.add_argument(
        "--seeds", type=int, default=3, help="how many splits and trainings (default 3)"
    )
    parser.add_argument(
        "--epochs", type=int, default=300, help="at most; a small number makes a quick trial"
    )
    parser.add_argument("--threads", type=int, default=1, help="of either library (default 1)")
    parser.add_argument(
        "--ratios", type=float, nargs=3, default=(0.8, 0.1, 0.1), metavar="R", help="of the split"
    )
    return parser.parse_args()


def prepare_dataset(folder: Path, dataset: str) -> Path:
    """Fetch and prepare a data set of the registry, and return the folder of the prepared files."""
    registry = parse(Registry, load_yaml(ROOT / "config/datasets.yaml"), "datasets.yaml")
    entry = registry.datasets[dataset]
    fetch(entry, dataset, folder / "raw", os.environ.get("CRAGRU_DATA_DIR"))
    prepare(folder / "raw", folder / "prepared", entry.loaders)
    return folder / "prepared"


def write_splits(
    folder: Path, seeds: int, ratios: tuple[float, float, float], prepared: Path
) -> None:
    """Write RecBole's atomic files of every seed's split of a prepared data set."""
    interactions = read_parquet(prepared / "interactions.parquet", INTERACTIONS)
    for seed in range(1, seeds + 1):
        target = folder / str(seed) / "bench"
        target.mkdir(parents=True)
        rows = split_first(interactions, ratios, seed)
        for part in ("train", "valid", "test"):
            frame = interactions.iloc[rows[part]][["user", "item"]]
            frame.columns = ["user_id:token", "item_id:token"]
            frame.to_csv(target / f"bench.{part}.inter", sep="\t", index=False)


def backbone_entries() -> dict[str, BackboneEntry]:
    """Return the backbones of config/params.yaml."""
    path = "config/params.yaml"
    return parse(Params, load_yaml(ROOT / path), path).backbones


def train(
    library: str,
    name: str,
    entry: BackboneEntry,
    seed: int,
    folder: Path,
    options: argparse.Namespace,
) -> dict:
    """Run one worker, and return its record."""
    out = folder / f"{library}-{name}-{seed}.json"
    arguments = {
        "split": folder / str(seed),
        "backbone": name,
        "learning-rate": entry.options["learning_rate"],
        "batch-size": entry.options["batch_size"],
        "epochs": options.epochs,
        "patience": entry.options["patience"],
        "seed": seed,
        "threads": options.threads,
        "out": out,
    }
    worker = Path(__file__).with_name(f"{library}_worker.py")
    command = [
        PYTHONS[library],
        worker,
        *(text for key, value in arguments.items() for text in (f"--{key}", value)),
    ]
    # PASSIVE: a thread that waits must not spin, or a busy machine would time the spinning
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_WAIT_POLICY": "PASSIVE",
        "DGLBACKEND": "pytorch",
    }
    environment["OMP_NUM_THREADS"] = str(options.threads)
    subprocess.run(list(map(str, command)), check=True, env=environment)
    record = json.loads(out.read_text(encoding="utf-8"))
    print(
        f"  {library:8}{name:10}seed {seed}: {record['epochs_run']} epochs, {record['total_seconds']:.1f} s, "
        f"NDCG@10 {record['test']['ndcg@10']:.4f}",
        flush=True,
    )
    return record


def speed(record: dict[str, Any], validation: bool) -> float:
    """Return the epochs per second."""
    return record["epochs_run"] / (record["train_seconds"] + validation * record["valid_seconds"])


def spread(values: list[float], digits: int) -> str:
    """Return the median with the lowest and the highest."""
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def report(records: Records, backbones: list[str]) -> None:
    """Print the figures and what they are held against."""
    rows, verdicts = [], []
    for name in backbones:
        ours, theirs = records["cragru", name], records["recbole", name]
        row = [name]
        for validation in (False, True):
            fast = [[speed(record, validation) for record in side] for side in (theirs, ours)]
            ratios = [b / a for a, b in zip(*fast, strict=True)]
            row += [spread(fast[0], 1), spread(fast[1], 1), spread(ratios, 2)]
            how = "with validation" if validation else "training alone"
            what = f"{name}: epochs per second, {how}, times RecBole's"
            if not validation:
                verdicts.append((what, statistics.median(ratios), WANTED[name]))
        rows.append(row)
        for metric in METRICS:
            gap = statistics.mean(
                a["test"][metric] - b["test"][metric] for a, b in zip(ours, theirs, strict=True)
            )
            verdicts.append((f"{name}: {metric}, cragru's minus RecBole's", gap, -margin(metric)))
    header = [
        "backbone",
        *(
            f"{who} {what}"
            for what in ("train", "+valid")
            for who in ("RecBole", "cragru", "ratio")
        ),
    ]
    print(
        "\nEpochs per second, median [lowest, highest] over seeds:\n"
        + tabulate(rows, header, tablefmt="pipe")
    )
    print("\nTest metrics, mean over seeds:\n" + metric_table(records, backbones) + "\n")
    if "bpr" in backbones:
        verdicts.append(
            ("bpr: bytes moved a second, share of a copy's", moved(records), WANTED_SHARE)
        )
    for what, got, least in verdicts:
        print(
            f"{'ok  ' if got >= least else 'LOW '} {what}: {got:+.4f}, wanted at least {least:+.3f}"
        )


def moved(records: Records) -> float:
    """Print what a step of BPR moves in memory; return its rate as a share of the machine's own."""
    rates, copies = [], []
    for record in records["cragru", "bpr"]:
        moved_bytes = PASSES * record["table_bytes"] * record["steps"]
        rates.append(moved_bytes / record["train_seconds"] / 1e9)
        copies.append(record["copied_bytes_per_second"] / 1e9)
    print(f"BPR moves {spread(rates, 1)} GB/s; a copy of its tables {spread(copies, 1)} GB/s\n")
    return statistics.median(rate / copy for rate, copy in zip(rates, copies, strict=True))


def margin(metric: str) -> float:
    """Return by how much cragru may be below RecBole."""
    return NDCG_MARGIN if metric == "ndcg@10" else METRIC_MARGIN


def metric_table(records: Records, backbones: list[str]) -> str:
    """Lay out the metrics of both libraries side by side."""
    rows = []
    for (library, name), its in records.items():
        if name in backbones and its:
            metrics = [f"{statistics.mean(r['test'][m] for r in its):.4f}" for m in METRICS]
            cpu = f"{statistics.mean(r['cpu_seconds'] for r in its):.1f}"
            peak = f"{max(r['peak_bytes'] for r in its) / 2**20:.0f}"
            epochs = "/".join(str(record["best_epoch"]) for record in its)
            rows.append([name, library, *metrics, cpu, peak, epochs])
    header = ["backbone", "library", "HR@10", "NDCG@10", "CPU s", "peak MiB", "best epochs"]
    return tabulate(sorted(rows), header, tablefmt="pipe", disable_numparse=True)


def main() -> None:
    """Split, train alternately, report."""
    options = parse_arguments()
    entries, backbones = backbone_entries(), options.backbones
    records: Records = {(library, name): [] for library in PYTHONS for name in backbones}
    with tempfile.TemporaryDirectory(prefix="cragru-bench-") as name:
        folder = Path(name)
        prepared = prepare_dataset(folder, options.dataset)
        write_splits(folder, options.seeds, tuple(options.ratios), prepared)
        for seed in range(1, options.seeds + 1):
            for backbone in backbones:
                for library in PYTHONS:
                    if library == "implicit" and backbone != "bpr":
                        continue  # it has no LightGCN
                    record = train(library, backbone, entries[backbone], seed, folder, options)
                    records[library, backbone].append(record)
    report(records, backbones)


if __name__ == "__main__":
    main()
