"""What was made from what, by the manifests beside the artifacts: not by clock, and not by what was planned."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.roles import Role
from cragru.kept.files import sha256
from cragru.kept.manifest import read_manifest
from cragru.plan.places import LLM_FOLDER, RAW, is_under

AGAIN = "run the workflow again"  # an advice
STATE = "have its script state one, and run the workflow again"  # an advice


@dataclass(frozen=True)
class Job:
    """What a manifest says."""

    manifest: str
    rule: str
    role: Role
    wildcards: dict[str, str]
    params: dict[str, Any]
    inputs: dict[str, str]  # path -> SHA-256
    outputs: dict[str, str]


class Provenance:
    """The jobs behind some manifests, each file's maker, and checksums of all `files` that were looked at."""

    def __init__(self, manifests: Iterable[str], purged: Collection[str] = ()) -> None:
        """Read manifests.

        Args:
            manifests: Their paths.
            purged: Files that may be gone: those that earlier requests had purged.

        Raises:
            CragruError: If a file is missing, or is not the one that a manifest speaks of.
        """
        self.files: dict[str, str] = {}
        self._purged = purged
        self.jobs = [self._read(path) for path in sorted(set(manifests))]
        self._maker: dict[str, Job] = {}
        for job in self.jobs:
            self._maker |= dict.fromkeys(job.outputs, job)

    def sha256(self, path: str) -> str:
        """Return a file's checksum, read once; refuse one that is not there."""
        if path not in self.files:
            try:
                self.files[path] = sha256(path)
            except OSError as error:
                why = error.strerror
                raise CragruError(f"cannot be read ({why})", place=path, advice=AGAIN) from error
        return self.files[path]

    def maker(self, path: str) -> Job | None:
        """Return the job that made a file, if a manifest tells."""
        return self._maker.get(path)

    def behind(self, job: Job, stop: Callable[[str], bool]) -> list[str]:
        """Return the files that a job's outputs were made from, directly or not, in order.

        Args:
            job: The job.
            stop: Tells behind which files not to look; these are returned too.
        """
        found: set[str] = set()
        waiting = list(job.inputs)
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found.add(path)
            maker = None if stop(path) else self.maker(path)
            waiting += maker.inputs if maker else []
        return sorted(found)

    def _read(self, path: str) -> Job:
        self.sha256(path)
        record = read_manifest(path)
        role = _role(record, path)
        inputs, outputs = record["inputs"], record["outputs"]
        for name, recorded in [*inputs.items(), *outputs.items()]:
            if _is_left_out(name) or (name in self._purged and not Path(name).exists()):
                continue
            if self.sha256(name) != recorded:
                raise CragruError(f"not the file of {path}", place=name, advice=AGAIN)
        names, params = record["wildcards"], record["params"]
        return Job(path, record["rule"], role, names, params, inputs, outputs)


def _is_left_out(path: str) -> bool:
    """Return whether a file is named as manifests tell it, and not read: published data and language models are."""
    return is_under(RAW, path) or is_under(LLM_FOLDER, path)


def _role(record: dict[str, Any], path: str) -> Role:
    told, roles = record.get("role"), [*map(str, Role)]
    if told not in roles:
        raise CragruError("no role", place=path, got=told, allowed=roles, advice=STATE)
    return Role(told)
