"""Data of the Netflix Prize's shape and format, at Table I's size and at multiples of it; how fast they are prepared.

    python tests/benchmarks/netflix_like.py write FOLDER --times 10
    python tests/benchmarks/netflix_like.py table --times 1 10

`write` draws ratings: few users and items have most of them, and users of like tastes rate like items. `table` prints
how long `cragru.data.prepare` takes for these and for MovieLens, whose files CRAGRU_DATA_DIR or the network gives, each
in a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
USERS, ITEMS, RATINGS = 7_315, 17_129, 2_266_452  # Table I
FIRST_DAY, LAST_DAY = np.datetime64("1998-10-01"), np.datetime64("2005-12-31")
TASTES = 20
LEAST_OF_A_USER = 10
MODULE = "cragru.data.netflix_prize"


@dataclass(frozen=True)
class Drawn:
    """Ratings by item, then by user; users and items are numbered from 0, days from `FIRST_DAY`."""

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    day: np.ndarray


def draw(users: int, items: int, ratings: int, seed: int) -> Drawn:
    """Draw so many ratings of distinct pairs; every user and every item has some.

    A user rates items of few tastes. Of each taste, a few items are much liked, in an order of its own.
    """
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0.0, 1.1, users)
    popularity = (np.arange(items) + 5.0) ** -0.9
    shares = rng.dirichlet(np.full(TASTES, 0.15), users)  # of a user's ratings, by taste
    belongs = rng.dirichlet(np.full(TASTES, 0.15), items).T  # of an item, by taste
    of_taste = np.cumsum(popularity * belongs, axis=1)
    least = _pairs_of_all(rng, users, items)
    pairs = least
    while len(pairs) < ratings:
        count = int(1.3 * (ratings - len(pairs))) + 100
        user = np.sort(_numbers(rng, np.cumsum(activity), count))
        taste = _tastes(rng, np.cumsum(shares, axis=1), user)
        item = np.empty_like(user)
        for one in range(TASTES):
            chosen = taste == one
            item[chosen] = _numbers(rng, of_taste[one], int(chosen.sum()))
        pairs = _distinct(np.concatenate([pairs, user * items + item]))
    further = pairs[~np.isin(pairs, least, assume_unique=True, kind="sort")]
    pairs = np.concatenate([least, rng.choice(further, ratings - len(least), replace=False)])
    user, item = pairs // items, pairs % items
    order = np.argsort(item * users + user)
    user, item = user[order], item[order]
    likes = np.zeros(ratings)
    for one in range(TASTES):
        likes += shares[user, one] * belongs[one, item]
    return Drawn(user, item, _ratings(rng, likes, item, items), _days(rng, user, users))


def _pairs_of_all(rng: np.random.Generator, users: int, items: int) -> np.ndarray:
    """Return pairs, as single numbers, with which every item has a user, and every user some items."""
    of_items = rng.integers(users, size=items) * items + np.arange(items)
    first = rng.integers(items, size=users)
    steps = np.arange(min(LEAST_OF_A_USER, items))
    of_users = np.arange(users)[:, None] * items + (first[:, None] + steps) % items
    return _distinct(np.concatenate([of_items, of_users.ravel()]))


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Return the different pairs, sorted: numpy's own way takes seven times as long."""
    pairs.sort()
    return pairs[np.diff(pairs, prepend=-1) != 0]


def _numbers(rng: np.random.Generator, weights: np.ndarray, count: int) -> np.ndarray:
    """Draw numbers from 0, each as often as its share of the cumulated weights."""
    return np.searchsorted(weights, rng.random(count) * weights[-1], side="right")


def _tastes(rng: np.random.Generator, shares: np.ndarray, user: np.ndarray) -> np.ndarray:
    """Draw a taste for each row, as its user has them."""
    at, taste = rng.random(len(user)), np.zeros(len(user), dtype=np.int8)
    for one in range(TASTES - 1):
        taste += at >= shares[user, one]
    return taste


def _ratings(
    rng: np.random.Generator, likes: np.ndarray, item: np.ndarray, items: int
) -> np.ndarray:
    """Return ratings of 1 to 5, better where the tastes of user and item meet."""
    quality = rng.normal(0.0, 0.4, items)
    value = 3.2 + quality[item] + 1.2 * likes + rng.normal(0.0, 0.8, len(item))
    return np.clip(np.rint(value), 1, 5).astype(np.int8)


def _days(rng: np.random.Generator, user: np.ndarray, users: int) -> np.ndarray:
    """Return a day for each row, from when its user came until the end."""
    days = int((LAST_DAY - FIRST_DAY).astype(int)) + 1
    came = rng.integers(days, size=users)
    return came[user] + (rng.random(len(user)) * (days - came[user])).astype(np.int64)


def write(folder: Path, drawn: Drawn, seed: int) -> None:
    """Write ratings and made-up titles in the prize's format."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 1])
    users, items = int(drawn.user.max()) + 1, int(drawn.item.max()) + 1
    ids = np.sort(rng.choice(np.arange(1_000_000, 2_649_430), users, replace=False))
    days = np.arange(FIRST_DAY, LAST_DAY + 1).astype("S10")
    bounds = np.searchsorted(drawn.item, np.arange(items + 1))
    with (folder / "combined_data_1.txt").open("wb") as out:
        for first in range(0, items, 500):
            bound = bounds[first : first + 501]
            rows = slice(bound[0], bound[-1])
            lines = _lines(ids[drawn.user[rows]], drawn.rating[rows], days[drawn.day[rows]])
            blocks = np.split(lines, bound[1:-1] - bound[0])
            for movie, block in enumerate(blocks, first + 1):
                out.write(b"%d:\n" % movie)
                out.write(block.tobytes())
    titles = (f"{item + 1},{1950 + item % 56},Film {item + 1}, The\n" for item in range(items))
    (folder / "movie_titles.csv").write_text("".join(titles), encoding="latin-1")


def _lines(ids: np.ndarray, ratings: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return lines ``user,rating,date`` of equal length, for ids have seven digits: `[n, 21]` bytes."""
    lines = np.empty((len(ids), 21), dtype=np.uint8)
    lines[:, :7] = ids.astype("S7").view(np.uint8).reshape(-1, 7)
    lines[:, [7, 9]] = ord(",")
    lines[:, 8] = ratings + ord("0")
    lines[:, 10:20] = days.view(np.uint8).reshape(-1, 10)
    lines[:, 20] = ord("\n")
    return lines


def write_times(folder: Path, times: int, seed: int) -> None:
    """Write Table I's size so many times: more users and ratings of the same items."""
    write(folder, draw(USERS * times, ITEMS, RATINGS * times, seed), seed)


def table(times: list[int], seed: int) -> None:
    """Print rows, seconds, CPU seconds, rows a second and peak memory of preparing each data set."""
    print("| Data | Rows | Seconds | CPU [s] | Rows/s | Peak [MB] |\n|:--|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("ml-100k", "ml-1m", *(f"netflix-like x{one}" for one in times)):
            raw = Path(scratch, name.replace(" ", "-"))
            module = fetch_raw(name, raw, seed)
            one = measured(raw, module)
            print(
                f"| {name} | {one['rows']} | {one['seconds']:.2f} | {one['cpu']:.2f} "
                f"| {one['rows'] / one['seconds']:.0f} | {one['peak_mb']} |",
                flush=True,
            )


def measured(raw: Path, module: str) -> dict[str, float]:
    """Prepare a folder of raw files in a process of its own, and return what that took."""
    command = [sys.executable, __file__, "one", str(raw), module]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return json.loads(done.stdout)


def fetch_raw(name: str, raw: Path, seed: int) -> str:
    """Put raw files into a folder, and return the module that reads them."""
    from cragru.config.base import load_yaml, parse
    from cragru.config.datasets import Registry
    from cragru.data.download import fetch
    from cragru.kept.files import write_json

    if name.startswith("netflix"):
        write_times(raw, int(name.rpartition("x")[2]), seed)
        write_json(raw / "source.json", {"source": "made-up"})
        return MODULE
    registry = parse(Registry, load_yaml(ROOT / "config/datasets.yaml"), "datasets.yaml")
    entry = registry.datasets[name]
    record = fetch(entry.raw_files, name, raw, os.environ.get("CRAGRU_DATA_DIR"))
    return entry.loaders[record.source]


def prepare_one(raw: Path, module: str) -> None:
    """Prepare a folder and print what it took, as JSON."""
    from cragru.data.prepare import prepare
    from cragru.kept.files import read_json

    loaders = {read_json(raw / "source.json")["source"]: module}
    begin, worked = time.perf_counter(), time.process_time()
    prepare(raw, raw / "prepared", loaders)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - worked
    rows = read_json(raw / "prepared" / "statistics.json")["interactions"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, "peak_mb": peak}))


def main() -> None:
    """Write data, or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    writing = tasks.add_parser("write")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--times", type=int, default=1)
    measuring = tasks.add_parser("table")
    measuring.add_argument("--times", type=int, nargs="*", default=[1, 10])
    for one in (writing, measuring):
        one.add_argument("--seed", type=int, default=1)
    alone = tasks.add_parser("one")  # what `table` starts
    alone.add_argument("raw", type=Path)
    alone.add_argument("module")
    given = parser.parse_args()
    match given.task:
        case "write":
            write_times(given.folder, given.times, given.seed)
        case "table":
            table(given.times, given.seed)
        case _:
            prepare_one(given.raw, given.module)


if __name__ == "__main__":
    main()
