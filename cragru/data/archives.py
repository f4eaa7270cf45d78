"""Take single files out of a zip archive that is not trusted, and check them."""

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cragru.core.errors import CragruError
from cragru.kept.files import sha256

GIB = 1 << 30
LARGEST_BYTES = 64 * GIB  # of all files together that are taken out of an archive


def extract(archive: Path, members: Collection[str], into: Path, label: str) -> None:
    """Extract `members` side by side, by base name, into the folder `into`.

    Args:
        archive: A zip file (a wheel is one).
        members: Paths inside the archive.
        into: An existing folder.
        label: What to call the archive in messages.

    Raises:
        CragruError: If the archive is truncated or corrupt, lacks a member, unpacks to too much, or any path in it
            would escape a folder.
    """
    with _opened(archive, label) as opened:
        _refuse_escapes(opened, label)
        _refuse_bombs(opened, members, label)
        present = set(opened.namelist())
        missing = [member for member in members if member not in present]
        if missing:
            raise CragruError(f"{label}: the archive lacks {', '.join(missing)}")
        for member in members:
            with (
                opened.open(member) as packed,
                (into / PurePosixPath(member).name).open("wb") as plain,
            ):
                shutil.copyfileobj(packed, plain)


def holds(archive: Path, members: Collection[str], label: str) -> bool:
    """Whether the archive has any of `members`.

    Raises:
        CragruError: If the archive is truncated or corrupt.
    """
    with _opened(archive, label) as opened:
        return any(name in members for name in opened.namelist())


def verify(folder: Path, members: Mapping[str, str], label: str) -> None:
    """Check that each extracted member has its SHA-256.

    Args:
        folder: Where the members lie side by side, by base name.
        members: Path inside the archive to the SHA-256 that the file must have.
        label: What to call their origin in messages.

    Raises:
        CragruError: At the first that differs.
    """
    for member, wanted in members.items():
        got = sha256(folder / PurePosixPath(member).name)
        if got != wanted:
            raise CragruError(
                f"{label}: {member} has the sha256 {got}, wanted {wanted}; the file was not kept"
            )


@contextmanager
def _opened(archive: Path, label: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    # zipfile lets every one of these through, by where in the file the damage is (encrypted members are a RuntimeError)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CragruError(f"{label}: truncated or corrupt zip file ({error})") from error


def _refuse_bombs(opened: zipfile.ZipFile, members: Collection[str], label: str) -> None:
    """Zip packs zeros by a thousand; no more than what an entry says of itself is read of it."""
    size = sum(info.file_size for info in opened.infolist() if info.filename in members)
    if size > LARGEST_BYTES:
        raise CragruError(
            f"{label}: refused, its files unpack to {size / GIB:.0f} GiB; allowed: {LARGEST_BYTES / GIB:g}, unless you "
            "unpack it yourself and name the folder in CRAGRU_DATA_DIR"
        )


def _refuse_escapes(opened: zipfile.ZipFile, label: str) -> None:
    """No member is extracted by its path, yet an archive that tries to escape deserves no trust in its other files."""
    for info in opened.infolist():
        name = info.orig_filename.replace("\\", "/")
        absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None
        if absolute or ".." in name.split("/") or stat.S_ISLNK(info.external_attr >> 16):
            raise CragruError(
                f"{label}: refused, its entry {name!r} leads out of the folder it is extracted to"
            )
