"""`make bench`: how time and memory grow, at three sizes: ML-100K, ML-1M, and Netflix's in the paper's Table I.

Printed are tables of preparation, training and full ranking (beside RecBole's, one thread each, the same split files),
and of ten shards trained together and one by one. Each line is a process of its own, whose peak memory stands beside.
Netflix's data are made up (`netflix_like.py`); `netflix-x10` has ten times as many users and rows. RecBole and shards
are left out where an epoch takes many minutes. An LLM's speed depends on prompts, not on the data: `make benchllm`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import against_recbole
import netflix_like
import pandas as pd
from tabulate import tabulate

ROOT = Path(__file__).parents[2]
SIZES = {
    "ml-100k": "ml-100k",
    "ml-1m": "ml-1m",
    "netflix": "netflix-like x1",
    "netflix-x10": "netflix-like x10",
}
MOST_ROWS = {"bpr": 3_000_000, "lightgcn": 1_500_000}
"""Above so many rows RecBole's training, and that of shards one by one, are left out: an epoch takes many minutes."""
SEED = 1
Tables = dict[str, list[list[Any]]]  # rows by the title of a table
HEADERS = {
    "Preparation": ["data", "rows", "seconds", "rows a second", "peak MiB"],
    "Training, epochs a second": [
        "data",
        "backbone",
        "RecBole",
        "cragru",
        "times",
        "RecBole's peak MiB",
        "cragru's",
    ],
    "Full ranking of all users, seconds (RecBole: one mask, cragru: two)": [
        "data",
        "users",
        "items",
        "RecBole",
        "cragru",
    ],
    "Ten shards, seconds of an epoch": [
        "data",
        "backbone",
        "one model",
        "shards together",
        "one by one",
        "peak MiB",
    ],
}
PREPARATION, TRAINING, RANKING, SHARDS = HEADERS


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES)[:3])
    parser.add_argument("--backbones", nargs="+", choices=MOST_ROWS, default=list(MOST_ROWS))
    parser.add_argument("--epochs", type=int, default=2, help="of each training (default 2)")
    parser.add_argument("--all", action="store_true", help="RecBole and shards at every size")
    return parser.parse_args()


def mebibytes(count: float) -> int:
    """Return bytes in MiB."""
    return round(count / 2**20)


def measure(size: str, folder: Path, options: argparse.Namespace, tables: Tables) -> None:
    """Add a size's lines to the tables."""
    name = SIZES[size]
    module = netflix_like.fetch_raw(name, folder / "raw", SEED)
    one = netflix_like.measured(folder / "raw", module)
    rate = round(one["rows"] / one["seconds"])
    tables[PREPARATION].append([size, one["rows"], one["seconds"], rate, one["peak_mb"]])
    against_recbole.write_splits(folder, 1, (0.8, 0.1, 0.1), folder / "raw" / "prepared")
    add_trainings(size, folder, options, tables)
    add_shards(size, folder, options, tables)


def add_trainings(size: str, folder: Path, options: argparse.Namespace, tables: Tables) -> None:
    """Train each backbone with each library; the last one's model is ranked."""
    rows = len(pd.read_csv(folder / str(SEED) / "bench" / "bench.train.inter", sep="\t"))
    given = argparse.Namespace(epochs=options.epochs, threads=1)
    for backbone in options.backbones:
        entry, records = against_recbole.backbone_entries()[backbone], {}
        for library in ("recbole", "cragru"):
            if library == "cragru" or options.all or rows <= MOST_ROWS[backbone]:
                records[library] = against_recbole.train(
                    library, backbone, entry, SEED, folder, given
                )
        speeds = {
            name: against_recbole.speed(its, validation=False) for name, its in records.items()
        }
        peaks = {name: mebibytes(its["peak_bytes"]) for name, its in records.items()}
        times = speeds["cragru"] / speeds["recbole"] if "recbole" in speeds else None
        line = [
            speeds.get("recbole"),
            speeds["cragru"],
            times,
            peaks.get("recbole"),
            peaks["cragru"],
        ]
        tables[TRAINING].append([size, backbone, *line])
    seconds = {name: its["ranking_seconds"] for name, its in records.items()}
    counts = [records["cragru"]["users"], records["cragru"]["items"]]
    tables[RANKING].append([size, *counts, seconds.get("recbole"), seconds["cragru"]])


def add_shards(size: str, folder: Path, options: argparse.Namespace, tables: Tables) -> None:
    """Train ten shards of data of this size together, and one by one."""
    statistics = json.loads((folder / "raw/prepared/statistics.json").read_text(encoding="utf-8"))
    shape = {
        "users": statistics["users"],
        "items": statistics["items"],
        "rows": statistics["interactions"],
    }
    for backbone in options.backbones:
        if not options.all and shape["rows"] > MOST_ROWS[backbone]:
            continue
        out = folder / f"shards-{backbone}.json"
        command = [
            sys.executable,
            Path(__file__).with_name("shards.py"),
            "--no-gates",
            "--one-by-one",
        ]
        command += ["--backbones", backbone, "--epochs", "1", "--rounds", "1", "--out", out]
        command += [word for key, value in shape.items() for word in (f"--{key}", value)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(
            list(map(str, command)), check=True, env=environment, stdout=subprocess.DEVNULL
        )
        found = json.loads(out.read_text(encoding="utf-8"))
        its = found["seconds"][backbone]
        line = [its["one"], its["256"], its["one by one"], mebibytes(found["peak_bytes"])]
        tables[SHARDS].append([size, backbone, *line])


def main() -> None:
    """Measure every size, and print the tables; also what there is of them when it ends early."""
    options, tables = parse_arguments(), defaultdict(list)
    try:
        for size in options.sizes:
            with tempfile.TemporaryDirectory(prefix="cragru-bench-") as name:
                measure(size, Path(name), options, tables)
    finally:
        for title, header in HEADERS.items():
            form = {"tablefmt": "pipe", "floatfmt": ".3g", "intfmt": ","}
            print(f"\n{title}:\n\n{tabulate(tables[title], header, **form)}")


if __name__ == "__main__":
    main()
