"""Deletes what holds forgotten rows or was trained on them, and keeps a sealed record of it beside each certificate."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cragru.audit.certificate import Certificate
from cragru.audit.commitment import Key
from cragru.audit.request import Request
from cragru.audit.verification import read_certificate, read_purged
from cragru.errors import CragruError
from cragru.io import sha256, write_json
from cragru.plan.places import AGAINST, CURVE, MANIFEST, PURGED_FILE, USER_GROUPS, is_at


def purge(paths: Iterable[Path], key: Key) -> list[str]:
    """Purge what the certificates of a run say.

    The records are written before anything is deleted: a purge that was killed is not taken for a finished one.

    Args:
        paths: The run's certificates, of `cragru.audit.verification.find_certificates`.
        key: Their key.

    Returns:
        The deleted files.

    Raises:
        CragruError: If a certificate is not readable with the key; then nothing was deleted.
    """
    certificates = {path: read_certificate(path, key) for path in paths}
    before = {
        path: read_purged(path, certificate, key) for path, certificate in certificates.items()
    }
    doomed = {path: _doomed(certificate) for path, certificate in certificates.items()}
    checksums = {name: sha256(name) for names in doomed.values() for name in names}
    for path, certificate in certificates.items():
        now = {name: key.of_file(name, checksums[name]) for name in doomed[path]}
        write_json(
            path.with_name(PURGED_FILE), key.sealed(_record(certificate, before[path] | now))
        )
    for name in checksums:
        Path(name).unlink()
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
    if request.request is None:
        tables = (path.as_posix() for path in Path(request.state).rglob("*.parquet"))
        beside += [path for path in tables if _is_trace(path)]
    found = sorted({*named, *(path for path in beside if Path(path).name not in (MANIFEST, CURVE))})
    for path in found:
        if not path.startswith(f"{request.state}/") or ".." in Path(path).parts:
            raise CragruError(
                f"{path}: does not belong to the request {request.state}; nothing was deleted"
            )
    return [path for path in found if Path(path).is_file()]


def _is_trace(path: str) -> bool:
    """Whether a file is an evaluation that names who has forgotten rows."""
    return is_at(USER_GROUPS, path) or is_at(AGAINST, Path(path).parent.name)
