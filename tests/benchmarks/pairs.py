"""A test of the test: of pairs of Retrains of one split, how many does each test call different at 5 %?

    snakemake --cores all table2 --config trainings=10 run=ten
    python tests/benchmarks/pairs.py results/ml-100k/paper/1 bpr lightgcn

Nothing differs but the random streams, so 5 % would be right. Each pair is compared as two rows with one training
each; the other trainings say what noise there is.
"""

import argparse
from itertools import combinations
from pathlib import Path

import pandas as pd

from cragru.evaluation.columns import PER_USER
from cragru.evaluation.significance import compare
from cragru.kept.files import read_parquet

CUTOFFS = (5, 10, 20)
LEVEL = 0.05


def main() -> None:
    """Print the share of pairs that each test calls different, by metric and cut-off and over all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path, help="the folder of a data set, protocol and seed")
    parser.add_argument("backbones", nargs="+")
    given = parser.parse_args()
    for backbone in given.backbones:
        trainings = sorted(given.state.glob(f"{backbone}*/retrain/per-user.parquet"))
        table = called_different([read_parquet(path, PER_USER) for path in trainings])
        print(f"{backbone}: {len(trainings)} trainings, share of pairs called different")
        print((100 * table).round(1).to_string(), "\n")


def called_different(trainings: list[pd.DataFrame]) -> pd.DataFrame:
    """Return shares of pairs by metric and cut-off, and of all; columns: a test over users alone, and ours."""
    found = []
    for one, other in combinations(range(len(trainings)), 2):
        rest = {(1, n): frame for n, frame in enumerate(trainings) if n not in (one, other)}
        rows = {"one": {(1, 0): trainings[one]}, "other": {(1, 0): trainings[other]}}
        found.append(compare(rows, "one", "A", CUTOFFS, rest, least_seeds=1))
    pairs = pd.concat(found)
    pairs["users"] = pairs["p_users"] < LEVEL
    pairs["users and trainings"] = pairs["p"] < LEVEL
    tests = ["users", "users and trainings"]
    shares = pairs.groupby(["metric", "k"])[tests].mean()
    shares.loc[("all", "all"), :] = pairs[tests].mean()
    return shares


if __name__ == "__main__":
    main()
