"""Kills, a full disk and flipped bytes, on the toy data of the tests: what heals, what is refused, what is not seen.

    make benchreliability ARGS="[--seed 1] [--kills 10] [--flips 20] [--only kills|disk|flips]"

A run without an LLM is killed at random moments, and its results have a disk of too few bytes; each time it is taken up
again and must end in the same bytes. Then one byte at a time is flipped in a file of each kind, its times as they were:
the next job that reads the file, and the audit, must name it. The full disk needs root: it is a tmpfs.
"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "workflow"))

from conftest import SOURCES, toy_ratings, write_toy  # noqa: E402
from killing import content, killed  # noqa: E402
from snakemake_calls import Workflow  # noqa: E402

from cragru.audit.behind import shown_files  # noqa: E402
from cragru.audit.commitment import VARIABLE, read_key  # noqa: E402
from cragru.audit.verification import Verifier, find_certificates  # noqa: E402
from cragru.core.errors import CragruError  # noqa: E402
from cragru.kept.files import read_json  # noqa: E402
from cragru.kept.manifest import checked_inputs  # noqa: E402
from cragru.llm.base import Answer  # noqa: E402
from cragru.llm.store import AnswerStore  # noqa: E402

RUN = "results/tiny"
STATE = "results/toy/paper/1"
METHODS = ["retrain", "sisa-users", "ifru"]
DISKS = (
    0.1,
    0.2,
    0.3,
)  # of what the results take, counted in blocks with logs; 0.4 is enough for a run
KINDS = {
    "published file": ("results/raw/toy/u.data", "results/raw/toy"),
    "record of published files": ("results/raw/toy/source.json", "results/raw/toy"),
    "interactions": ("results/toy/prepared/interactions.parquet", None),
    "titles": ("results/toy/prepared/items.parquet", None),
    "statistics": ("results/toy/prepared/statistics.json", None),
    "forget set": (f"{STATE}/split/forget.parquet", None),
    "training rows": (f"{STATE}/split/train.parquet", None),
    "record of a split": (f"{STATE}/split/split.json", None),
    "original model": (f"{STATE}/bpr/original/model.safetensors", None),
    "unlearned model": (f"{STATE}/bpr/ifru/model.safetensors", None),
    "partition": (f"{STATE}/bpr/sisa-users/before/partition.parquet", None),
    "shard": (
        f"{STATE}/bpr/sisa-users/after/shards/shard-00.safetensors",
        f"{STATE}/bpr/sisa-users/after/shards",
    ),
    "cost": (f"{STATE}/bpr/ifru/cost.json", None),
    "training curve": (f"{STATE}/bpr/ifru/curve.csv", None),
    "results by user": (f"{STATE}/bpr/ifru/per-user.parquet", None),
    "table": (f"{RUN}/tables/table2.csv", None),
    "table in LaTeX": (f"{RUN}/tables/table2.tex", None),
    "manifest in a certificate": (f"{STATE}/bpr/ifru/manifest.json", f"{STATE}/bpr/ifru/cost.json"),
    "manifest of a table": (f"{RUN}/tables/table2-manifest.json", f"{RUN}/tables/table2.csv"),
    "certificate": (f"{RUN}/certificates/toy/paper/1/certificate.json", None),
}
"""A file of each kind, and what a job that reads it has as its input, where that is not the file."""


class Bench:
    """A copy of the sources, the toy data, and a finished run to compare with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sources = folder / "checkout" / "cragru"
        for name in SOURCES:
            place = ROOT / name
            copy = shutil.copytree if place.is_dir() else shutil.copy2
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            copy(place, sources / name)
        (folder / "toy").mkdir()
        write_toy(folder / "toy", toy_ratings())
        self.workflow = Workflow(sources, folder / "audit.key")
        os.environ[VARIABLE] = str(folder / "audit.key")

    def config(self, methods: list[str], tables: list[str]) -> Path:
        """Write a configuration of the tiny run, and return its path."""
        toy = self.folder / "toy"
        names = ("datasets", "params", "tables")
        config = {"run": "tiny", "datasets": ["toy"], "seeds": [1], "device": "cpu"}
        config |= {"data_dir": str(toy / "toy.zip"), "backbones": ["bpr"], "methods": methods}
        config |= {"tables": tables, "figures": [], "scoring": {"llm": None}}
        config["files"] = {name: str(toy / f"{name}.yaml") for name in names}
        path = self.folder / f"{'-'.join(methods)}.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def finished(self, name: str, config: Path) -> tuple[Path, float]:
        """Finish a run; return its folder, and the seconds that it took."""
        directory, begun = self.folder / name, time.monotonic()
        self.workflow.make(directory, config=config)
        return directory, time.monotonic() - begun

    def take_up(self, directory: Path, config: Path) -> str | None:
        """Take a broken run up again, and audit it; return what went wrong, if anything."""
        self.workflow.run(directory, "--unlock", config=config)
        for targets in ((), ("audit",)):
            done = self.workflow.run(directory, *targets, config=config)
            if done.rc != 0:
                return f"{targets or 'run'}: {done.errors or done.output[-500:]}"
        return None


def temporaries(directory: Path) -> int:
    """Count the temporary copies that killed jobs have left."""
    hidden = (path for path in (directory / "results").rglob(".*") if path.is_file())
    return sum(not path.name.startswith(".snakemake") for path in hidden)


def kills(bench: Bench, draw: random.Random, count: int) -> bool:
    """Kill a run at random moments."""
    config = bench.config(["retrain"], ["table1", "table2"])
    whole, seconds = bench.finished("whole", config)
    wanted = content(whole)
    print(f"kills: a run of {seconds:.0f} s, {len(wanted)} files without seconds in them")
    healed = 0
    for number in range(count):
        moment = draw.uniform(0, seconds)
        directory = bench.folder / f"killed-{number}"
        command = bench.workflow.command(directory, config=config)
        killed(command, bench.workflow.environment(), partial(time.sleep, moment))
        jobs = len(list((directory / "results/logs").rglob("*.log")))
        left = temporaries(directory)
        wrong = bench.take_up(directory, config)
        same = content(directory) == wanted
        healed += same and wrong is None
        print(
            f"  at {moment:5.1f} s, {jobs} jobs begun, {left} temporary files left: "
            f"{'same bytes, audited' if same and not wrong else wrong or 'other bytes'}"
        )
    print(f"kills: {healed} of {count} healed to the same bytes")
    return healed == count


@contextlib.contextmanager
def disk(place: Path, size: int) -> Iterator[None]:
    """Mount a disk of so many bytes at a folder."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def full_disks(bench: Bench) -> bool:
    """Let the results have too little room; then more."""
    if os.geteuid() != 0:
        print("disk: skipped, for only root may mount a tmpfs")
        return True
    config = bench.config(["retrain"], ["table1", "table2"])
    whole, _ = bench.finished("roomy", config)
    wanted = content(whole)
    blocks = [path.stat().st_size // 4096 + 1 for path in (whole / "results").rglob("*")]
    size, right = 4096 * sum(blocks), 0
    for share in DISKS:
        directory = bench.folder / f"disk-{share}"
        results = directory / "results"
        with disk(results, int(share * size)):
            done = bench.workflow.run(directory, config=config)
            told = [line for line in done.errors if "no space is left on the disk" in line]
            foreign = "Traceback" in done.output or "this is a bug" in done.output
            subprocess.run(["mount", "-o", "remount,size=100M", str(results)], check=True)
            wrong = bench.take_up(directory, config)
            same = content(directory) == wanted
        good = done.rc != 0 and same and wrong is None and bool(told) and not foreign
        right += good
        print(f"  {share:.0%} of {size / 1e6:.1f} MB: {told or done.errors or done.output[-600:]}")
        print(
            f"    {'a traceback; ' if foreign else ''}{wrong or ('healed' if same else 'other bytes')}"
        )
    print(f"disk: {right} of {len(DISKS)} told in one line and healed to the same bytes")
    return right == len(DISKS)


@contextlib.contextmanager
def flipped(path: Path, place: int, mask: int) -> Iterator[None]:
    """Flip bits of one byte, with the file's times as they were."""
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(before[:place] + bytes([before[place] ^ mask]) + before[place + 1 :])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    try:
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def refusal(read: Callable[[], object]) -> str:
    """Return the line with which something is refused; empty where it is not."""
    try:
        read()
    except CragruError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


def audit() -> None:
    """Do what `snakemake audit` does, in the working directory."""
    verifier = Verifier(read_key("results", os.environ))
    for path in find_certificates(f"{RUN}/certificates"):
        verifier.verify(path)
    verifier.verify_behind(shown_files(RUN, []))
    verifier.report()


def reads_the_same(path: Path, before: object) -> bool:
    """Whether a JSON file says what it said: a flip may change how it is laid out."""
    try:
        return path.suffix == ".json" and read_json(path) == before
    except CragruError:
        return False


def flips(bench: Bench, draw: random.Random, count: int) -> bool:
    """Flip bytes of each kind of file."""
    directory, _ = bench.finished("flips", bench.config(METHODS, ["table1", "table2"]))
    print(f"flips: {count} of each kind; named by the next job that reads the file, by the audit")
    unseen = 0
    with contextlib.chdir(directory):
        begun = time.perf_counter()
        audit()
        print(f"  an audit of the whole run takes {time.perf_counter() - begun:.2f} s")
        for kind, (name, read) in KINDS.items():
            path = Path(name)
            before = read_json(path) if path.suffix == ".json" else None
            by_job = by_audit = same = 0
            for _ in range(count):
                with flipped(path, draw.randrange(path.stat().st_size), 1 << draw.randrange(8)):
                    by_job += name in refusal(lambda: checked_inputs([read or name]))  # noqa: B023
                    named = name in refusal(audit)
                    by_audit += named
                    same += not named and reads_the_same(path, before)
            unseen += count - by_audit - same
            blanks = f", {same} change blanks alone" if same else ""
            print(f"  {kind:28} {by_job:3} by a job, {by_audit:3} by the audit of {count}{blanks}")
    unseen += flipped_answers(bench.folder / "answers", draw, 10 * count)
    print(f"flips: {unseen} not seen")
    return unseen == 0


def flipped_answers(folder: Path, draw: random.Random, count: int) -> int:
    """Flip bytes of stored answers; return how many are read as others."""
    store = AnswerStore(folder)
    answers = [Answer(f'{{"1":{number},"2":7}}', "stop", 100 + number, 9) for number in range(1, 9)]
    cost = {"seconds": 1.25, "start_seconds": 9.5, "device": "cpu"}
    store.keep("key", answers, cost)
    files, seen, same = sorted(folder.iterdir()), 0, 0
    for _ in range(count):
        path = draw.choice(files)
        with flipped(path, draw.randrange(path.stat().st_size), 1 << draw.randrange(8)):
            refused = refusal(lambda: (store.answers("key"), store.cost("key")))
            seen += "key" in refused
            same += not refused and (store.answers("key"), store.cost("key")) == (answers, cost)
    print(
        f"  {'stored answers and their cost':28} {seen:3} by a job of {count}, {same} change blanks alone"
    )
    return count - seen - same


def main() -> int:
    """Run what is asked for; return 1 where anything is not as docs/reliability.md promises."""
    parser = argparse.ArgumentParser(description="Measure what breaks, and how.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--flips", type=int, default=20)
    parser.add_argument("--only", choices=["kills", "disk", "flips"])
    options = parser.parse_args()
    draw = random.Random(options.seed)
    parts = {
        "flips": lambda bench: flips(bench, draw, options.flips),
        "disk": full_disks,
        "kills": lambda bench: kills(bench, draw, options.kills),
    }
    chosen = [options.only] if options.only else list(parts)
    with tempfile.TemporaryDirectory(prefix="cragru-reliability-") as name:
        bench = Bench(Path(name))
        right = [parts[part](bench) for part in chosen]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
