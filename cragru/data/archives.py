"""Take single files out of a zip archive that is not trusted, and check them.

Places in errors are inside the archive; whoever opens it adds what it is called.
"""

import lzma
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cragru.core.errors import CragruError, Problem, short
from cragru.kept.files import sha256
from cragru.kept.machine import trouble

GIB = 1 << 30
LARGEST_BYTES = 64 * GIB  # of all files together that are taken out of an archive
ALONE = "unpack the archive yourself and name the folder in CRAGRU_DATA_DIR"  # an advice
# zipfile lets each through, by what is damaged where; bzip2 gives an OSError, encrypted members a RuntimeError
_DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


def extract(archive: Path, members: Collection[str], into: Path) -> None:
    """Extract `members` of a zip file (a wheel is one) side by side, by base name, into an existing folder.

    Raises:
        CragruError: If the archive is truncated or corrupt, lacks a member, unpacks to too much, or any path in it
            would escape a folder.
    """
    with _opened(archive) as opened:
        _refuse_escapes_and_bombs(opened, members)
        missing = set(members) - set(opened.namelist())
        if missing:
            raise CragruError.of(Problem("not in the archive", one) for one in sorted(missing))
        for member in members:
            target = into / PurePosixPath(member).name
            with opened.open(member) as packed, target.open("wb") as plain:
                shutil.copyfileobj(packed, plain)


def holds(archive: Path, members: Collection[str]) -> bool:
    """Tell whether the archive has any of `members`.

    Raises:
        CragruError: If the archive is truncated or corrupt.
    """
    with _opened(archive, str(archive)) as opened:
        return not set(members).isdisjoint(opened.namelist())


def verify(folder: Path, members: Mapping[str, str]) -> None:
    """Check files that lie side by side, by base name; `members` has the SHA-256 of each by its path in the archive.

    Raises:
        CragruError: At the first file that has another one.
    """
    for member, wanted in members.items():
        got = sha256(folder / PurePosixPath(member).name)
        if got != wanted:
            raise CragruError(f"the sha256 is not {wanted}", place=member, got=got)


@contextmanager
def _opened(archive: Path, label: str = "") -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            yield opened
    except _DAMAGES as error:
        if trouble(error):
            raise
        raise CragruError(f"truncated or corrupt zip ({short(str(error))})", place=label) from error


def _refuse_escapes_and_bombs(opened: zipfile.ZipFile, members: Collection[str]) -> None:
    """Refuse an entry that leads elsewhere, though none is extracted by its path; and sizes that nobody expects.

    The sizes are those that the archive names: zip packs zeros by a thousand, but no more than named is read.
    """
    for info in opened.infolist():
        name = info.orig_filename.replace("\\", "/")
        leaves = re.match("/|[A-Za-z]:", name) or ".." in name.split("/")
        if leaves or stat.S_ISLNK(info.external_attr >> 16):
            raise CragruError("an entry leads out of the archive's folder", got=name)
    size = sum(info.file_size for info in opened.infolist() if info.filename in members)
    if size > LARGEST_BYTES:
        large, most = size / GIB, LARGEST_BYTES / GIB
        raise CragruError(f"the files unpack to {large:.0f} GiB, more than {most:g}", advice=ALONE)
