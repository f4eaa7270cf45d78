"""Runs that are killed, and what of their results must be as if they had not been: for tests and a benchmark."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from cragru.kept.files import read_json

TIMED = ("cost.json", "curve.csv")  # they hold seconds, so no two runs have the same
LAST_S = 30.0  # in which what was killed must be gone


def killed(
    command: Sequence[str],
    environment: Mapping[str, str],
    wait: Callable[[], None],
    kill: Callable[[int, int], None] = os.kill,
) -> list[psutil.Process] | None:
    """Start a command, wait, and kill it; return when none of its processes works any more.

    Args:
        command: What is started, in a process group of its own.
        environment: Its variables.
        wait: Returns when the moment has come.
        kill: `os.kill` for Snakemake alone, whose jobs must notice; `os.killpg` for the whole group.

    Returns:
        The processes below it; None where it ended before that moment.
    """
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        wait()
        if run.poll() is not None:
            return None
        children = psutil.Process(run.pid).children(recursive=True)
        kill(run.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(_works, children)), LAST_S)
    return children


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition, and insist that it comes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.02)


def _works(process: psutil.Process) -> bool:
    """Return whether a process still works; a zombie, which waits for its parent to ask after it, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def content(directory: Path) -> dict[str, str]:
    """Return the checksum of every result that has no seconds in it, nor the checksum of one that has."""
    found = {}
    for path in sorted((directory / "results").rglob("*")):
        name = path.relative_to(directory).as_posix()
        is_beside = name.startswith(("results/logs/", "results/benchmarks/"))
        is_seal = path.stem == "certificate"  # it has the date
        if not path.is_file() or is_beside or is_seal or path.name in TIMED or path.name[0] == ".":
            continue
        if path.name.endswith("manifest.json"):
            named = read_json(path)["outputs"]
            if any(Path(one).name in TIMED for one in named):
                continue
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
