"""What was made from what, by the manifests beside the artifacts: not by clock, and not by what was planned."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cragru.core.errors import CragruError, nearest
from cragru.core.roles import Role
from cragru.kept.files import sha256
from cragru.kept.manifest import read_manifest
from cragru.plan.places import LLM_FOLDER, RAW, is_under


class Told(dict[str, Any]):
    """What a manifest tells under a key; to ask for a name that it lacks is an error of one line."""

    def __init__(self, manifest: str, key: str, told: dict[str, Any]) -> None:
        super().__init__(told)
        self._where = f"{manifest}: {key}"

    def __missing__(self, name: str) -> Any:
        raise CragruError(f"{self._where}.{name}: missing; delete it and run the workflow again")


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
    """The jobs behind some manifests, each file's maker, and checksums as they are now."""

    def __init__(self, manifests: Iterable[str]) -> None:
        """Read manifests, and check that they speak of the files that are there.

        Args:
            manifests: Their paths, relative to the working directory.

        Raises:
            CragruError: If a file is missing, or is not the one that a manifest speaks of.
        """
        self._checksums: dict[str, str] = {}
        self.jobs = [self._read(path) for path in sorted(set(manifests))]
        self._maker = {path: job for job in self.jobs for path in job.outputs}

    def sha256(self, path: str) -> str:
        """A file's checksum, read once.

        Raises:
            CragruError: If there is no such file.
        """
        if path not in self._checksums:
            try:
                self._checksums[path] = sha256(path)
            except OSError as error:
                raise CragruError(
                    f"{path}: cannot be read ({error.strerror}); run the workflow again"
                ) from error
        return self._checksums[path]

    @property
    def files(self) -> dict[str, str]:
        """All files that were looked at, with their checksums."""
        return dict(sorted(self._checksums.items()))

    def maker(self, path: str) -> Job | None:
        """The job that made a file, if a manifest tells."""
        return self._maker.get(path)

    def behind(self, job: Job, stop: Callable[[str], bool]) -> list[str]:
        """Everything that a job's outputs were made from, directly or not.

        Args:
            job: The job.
            stop: Tells at which files to look no further.

        Returns:
            Paths in order, those at which it stopped among them.
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
        rule, role = record["rule"], _role(record, path)
        for kind in ("inputs", "outputs"):
            for name, recorded in record[kind].items():
                if not _is_left_out(name) and self.sha256(name) != recorded:
                    raise CragruError(
                        f"{name}: is not the file that {path} speaks of; run the workflow again"
                    )
        wildcards = Told(path, "wildcards", record["wildcards"])
        params = Told(path, "params", record["params"])
        return Job(path, rule, role, wildcards, params, record["inputs"], record["outputs"])


def _is_left_out(path: str) -> bool:
    """Whether a file is named as manifests tell it, and not read: published data and language models are."""
    return is_under(RAW, path) or is_under(LLM_FOLDER, path)


def _role(record: dict[str, Any], path: str) -> Role:
    """The role that a manifest tells."""
    told = record.get("role")
    known = [role.value for role in Role]
    if told not in known:
        got = "no role" if told is None else f"the role {told!r}"
        hint = nearest(str(told or ""), known)
        raise CragruError(
            f"{path}: states {got}; {hint}; have its script state one, and run the workflow again"
        )
    return Role(told)
