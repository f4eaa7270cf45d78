"""Deletes what holds forgotten rows or was trained on them, and keeps a sealed record of it beside each certificate."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cragru.audit.certificate import Certificate, now
from cragru.audit.commitment import Key
from cragru.audit.page import write_page
from cragru.audit.request import Places
from cragru.audit.verification import read_certificate, read_purged
from cragru.core.errors import CragruError
from cragru.core.request import Request
from cragru.kept.files import sha256, temporaries_of, write_json
from cragru.kept.manifest import ENDING, files_at
from cragru.plan.places import (
    AGAINST,
    COST,
    CURVE,
    PAGE_FILE,
    PURGED_FILE,
    RESTORED_FILE,
    USER_GROUPS,
    is_at,
)


def purge(paths: Iterable[Path], key: Key) -> list[str]:
    """Purge what some certificates say, with their key.

    The records are written before anything is deleted: a purge that was killed is not taken for a finished one. Where a
    file is a symbolic link, into Snakemake's cache for instance, what it links to is deleted as well. Temporary copies
    that killed jobs have left beside a file go with it.

    Returns:
        The deleted files.

    Raises:
        CragruError: If a certificate is not readable with the key, or a file cannot be deleted whole: it has a hard
            link, or lies where you may not write. Then nothing was deleted.
    """
    records: dict[Path, dict[str, Any]] = {}
    certificates: dict[Path, Certificate] = {}
    linked: dict[str, list[Path]] = {}
    checksums: dict[str, str] = {}
    for path in paths:
        certificate = read_certificate(path, key)
        earlier = read_purged(path, certificate, key)
        purged = earlier["purged"] if earlier else {}
        for name in _doomed(certificate):
            if name not in linked:
                linked[name], checksums[name] = _linked(name), sha256(name)
            purged[name] = key.of_file(name, checksums[name])
        certificates[path] = certificate
        records[path.with_name(PURGED_FILE)] = key.sealed(_record(certificate, purged))
    for name in linked:
        _check_can_go(name, linked[name])
    for path, record in records.items():
        write_json(path, record)
    for chain in linked.values():
        # what a link leads to first: no copy is left that nothing points to
        for path in reversed(chain):
            path.unlink(missing_ok=True)
    for path, certificate in certificates.items():
        write_page(path.with_name(PAGE_FILE), certificate, records[path.with_name(PURGED_FILE)])
    return sorted(linked)


def restore(paths: Iterable[Path], key: Key) -> list[Path]:
    """Let the purges of some certificates go: what they deleted may be made again.

    The record of each purge stays, as `restored.json`.

    Returns:
        The records.

    Raises:
        CragruError: If a certificate or a record is not readable with the key; then nothing was changed.
    """
    found = []
    for path in paths:
        certificate = read_certificate(path, key)
        if read_purged(path, certificate, key) is not None:
            found.append((path, certificate))
    for path, certificate in found:
        path.with_name(PURGED_FILE).rename(path.with_name(RESTORED_FILE))
        write_page(path.with_name(PAGE_FILE), certificate, None)
    return [path.with_name(RESTORED_FILE) for path, _ in found]


def _record(certificate: Certificate, purged: dict[str, str]) -> dict[str, Any]:
    return {
        "date": now(),
        "request": certificate["request"],
        "certificate": certificate["seal"],
        "purged": purged,
        "remains": [entry for entry in certificate["remains"] if not entry["purge"]],
    }


def _doomed(certificate: Certificate) -> list[str]:
    """Return the files to purge that are there: what the certificate says, and what lies with such a model.

    Manifests and training curves stay: they hold no rows, and are the record of what was made from what.

    Raises:
        CragruError: If one does not belong to the request.
    """
    places = _places(certificate)
    named = {entry["path"] for entry in certificate["remains"] if entry["purge"]}
    found = named | set(filter(_may_go, map(Path.as_posix, _beside(named, places))))
    for path in found:
        if not path.startswith(f"{places.state}/") or ".." in PurePosixPath(path).parts:
            raise CragruError("not the request's; nothing was deleted", place=path)
    return sorted(path for path in found if Path(path).is_file())


def _places(certificate: Certificate) -> Places:
    """Return the places of a certificate's request, from the state that it names."""
    request, before = Request.of(certificate["request"]), certificate["state"]["before"]
    state = Places(request).state
    previous = None if before == state else PurePosixPath(before).name
    return Places(request, previous)


def _beside(named: Iterable[str], places: Places) -> Iterator[Path]:
    """Yield what lies with a model before the request, temporary copies, and evaluations that name who left."""
    for name in named:
        yield from temporaries_of(name)
        if places.is_original(name):
            yield from files_at(Path(name).parent)
    if places.request.request is None:
        for path in Path(places.state).rglob("*.parquet"):
            names_users = is_at(USER_GROUPS, path.as_posix())
            if names_users or is_at(AGAINST, path.parent.name):
                yield path


def _may_go(path: str) -> bool:
    return not path.endswith(ENDING) and PurePosixPath(path).name not in (CURVE, COST)


def _linked(name: str) -> list[Path]:
    """Return a file, and where it is a symbolic link all that it leads to, one after the other."""
    found = [Path(name)]
    while found[-1].is_symlink():
        found.append(found[-1].parent / found[-1].readlink())
    return found


def _check_can_go(name: str, chain: list[Path]) -> None:
    """Check, before anything is deleted, that to delete a file leaves no copy of it under another name."""
    others = chain[-1].stat().st_nlink - 1
    if others:
        raise CragruError(
            "hard links would keep what it holds",
            place=name,
            got=others,
            advice=f"find them with `find DIRECTORY -samefile {name}`; nothing was deleted",
        )
    for folder in {path.parent for path in chain}:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise CragruError(f"you may not write into {folder}; nothing was deleted", place=name)
