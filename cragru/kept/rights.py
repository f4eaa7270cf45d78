"""Who may read files: no more people than the umask and the folders above them allow."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from cragru.core.place import CACHE, PathLike


def rights_of_folders(folder: PathLike) -> int:
    """Return the most rights that a file in a folder may have: none that the folder, or one above it, lacks.

    A relative path tells the folders above, so up to `results/`. Whoever closes `results/` means the files in it, also
    where a file is moved elsewhere later.
    """
    folder = Path(folder)
    above = [] if folder.is_absolute() else folder.parents[:-1]
    shared = 0o066
    for one in (folder, *above):
        shared &= _mode(one)
    return 0o600 | shared


def narrow_cached(paths: Iterable[str], environment: Mapping[str, str]) -> None:
    """Take from files in Snakemake's cache the rights that the cache's folder does not give.

    Snakemake lets everybody read and write what it moves there, forget sets too. A job that reads such a file narrows
    it, where it is the user's own.
    """
    if not environment.get(CACHE):
        return
    cache = Path(environment[CACHE]).expanduser().resolve()
    for target in {Path(path).resolve() for path in paths if Path(path).is_symlink()}:
        if target.is_file() and target.is_relative_to(cache):
            rights = _mode(target) & rights_of_folders(target.parent)
            if rights != _mode(target) and target.stat().st_uid == os.getuid():
                target.chmod(rights)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
