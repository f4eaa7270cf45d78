"""Deletes what holds forgotten rows or was trained on them, and keeps a sealed record of it beside each certificate."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cragru.audit.certificate import Certificate
from cragru.audit.commitment import Key
from cragru.audit.request import Request
from cragru.audit.verification import read_certificate, read_purged
from cragru.core.errors import CragruError
from cragru.kept.files import sha256, temporaries_of, write_json
from cragru.kept.manifest import ENDING
from cragru.plan.places import AGAINST, CURVE, PURGED_FILE, USER_GROUPS, is_at


def purge(paths: Iterable[Path], key: Key) -> list[str]:
    """Purge what the certificates of a run say.

    The records are written before anything is deleted: a purge that was killed is not taken for a finished one. Where a
    file is a symbolic link, into Snakemake's cache for instance, what it links to is deleted as well. Temporary copies
    that killed jobs have left beside a file go with it.

    Args:
        paths: The run's certificates, of `cragru.audit.verification.find_certificates`.
        key: Their key.

    Returns:
        The deleted files.

    Raises:
        CragruError: If a certificate is not readable with the key, or a file cannot be deleted whole: it has a hard
            link, or lies where you may not write. Then nothing was deleted.
    """
    certificates = {path: read_certificate(path, key) for path in paths}
    before = {
        path: read_purged(path, certificate, key) for path, certificate in certificates.items()
    }
    doomed = {path: _doomed(certificate) for path, certificate in certificates.items()}
    checksums = {name: sha256(name) for names in doomed.values() for name in names}
    linked = {name: _linked(Path(name)) for name in checksums}
    for name, paths in linked.items():
        _check_can_go(name, paths)
    for path, certificate in certificates.items():
        now = {name: key.of_file(name, checksums[name]) for name in doomed[path]}
        write_json(
            path.with_name(PURGED_FILE), key.sealed(_record(certificate, before[path] | now))
        )
    for paths in linked.values():
        # what a link leads to first: no copy is left that nothing points to
        for path in reversed(paths):
            path.unlink(missing_ok=True)
    return sorted(checksums)


def _record(certificate: Certificate, purged: dict[str, str]) -> dict[str, Any]:
    remaining = [entry for entry in certificate["remains"] if not entry["purge"]]
    return {
        "request": certificate["request"],
        "certificate": certificate["seal"],
        "purged": purged,
        "remains": remaining,
    }


def _doomed(certificate: Certificate) -> list[str]:
    """What is there of what is to be purged: what the certificate says, and all else that lies with such a model.

    Manifests and training curves stay: they hold no rows, and are the record of what was made from what.
    """
    request = Request.of(certificate["request"])
    named = [entry["path"] for entry in certificate["remains"] if entry["purge"]]
    models = [Path(path).parent for path in named if request.is_original(path)]
    beside = [
        path.as_posix() for folder in models for path in sorted(folder.rglob("*")) if path.is_file()
    ]
    beside += [path.as_posix() for name in named for path in temporaries_of(name)]
    if request.request is None:
        tables = (path.as_posix() for path in Path(request.state).rglob("*.parquet"))
        beside += [path for path in tables if _is_trace(path)]
    found = sorted({*named, *(path for path in beside if not _is_kept(path))})
    for path in found:
        if not path.startswith(f"{request.state}/") or ".." in Path(path).parts:
            raise CragruError(
                f"{path}: does not belong to the request {request.state}; nothing was deleted"
            )
    return [path for path in found if Path(path).is_file()]


def _is_kept(path: str) -> bool:
    return path.endswith(ENDING) or Path(path).name == CURVE


def _linked(path: Path) -> list[Path]:
    """A file, and where it is a symbolic link all that it leads to, one after the other."""
    found = [path]
    while found[-1].is_symlink():
        found.append(found[-1].parent / found[-1].readlink())
    return found


def _check_can_go(name: str, paths: list[Path]) -> None:
    """Check, before anything is deleted, that to delete a file leaves no copy of it under another name."""
    others = paths[-1].stat().st_nlink - 1
    if others:
        raise CragruError(
            f"{name}: has {others} more names (hard links), which would keep what it holds; find them with "
            f"`find DIRECTORY -samefile {name}` and delete them. Nothing was deleted"
        )
    for path in paths:
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise CragruError(
                f"{name}: cannot be deleted: you may not write into the folder {path.parent}. Nothing was deleted"
            )


def _is_trace(path: str) -> bool:
    """Whether a file is an evaluation that names who has forgotten rows."""
    return is_at(USER_GROUPS, path) or is_at(AGAINST, Path(path).parent.name)
