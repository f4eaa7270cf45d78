"""Who may read files: no more than the umask and the folders above them allow."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from cragru.core.place import PathLike

CACHE = "SNAKEMAKE_OUTPUT_CACHE"  # Snakemake's variable: the folder of `--cache`


def rights_of_folders(folder: PathLike) -> int:
    """The most rights that a file in a folder may have: others get none that the folder, or one above it, lacks.

    Above it: as far as a relative path tells, so up to `results/`. Whoever closes `results/` means the files in it,
    also where one is moved elsewhere later.
    """
    folder = Path(folder)
    above = [] if folder.is_absolute() else [one for one in folder.parents if one != Path()]
    shared = 0o066
    for one in (folder, *above):
        shared &= stat.S_IMODE(one.stat().st_mode)
    return 0o600 | shared


def narrow_cached(paths: Iterable[str], environment: Mapping[str, str]) -> None:
    """Take from files in Snakemake's cache the rights that the cache's folder does not give.

    Snakemake lets everybody read and write what it moves there, forget sets too. A job that reads such a file narrows
    it, where it is the user's own.

    Args:
        paths: Of the files that a job reads.
        environment: Environment variables.
    """
    cache = environment.get(CACHE)
    if not cache:
        return
    cache = Path(cache).expanduser().resolve()
    for target in {Path(path).resolve() for path in paths if Path(path).is_symlink()}:
        if target.is_file() and target.is_relative_to(cache):
            state = target.stat()
            rights = stat.S_IMODE(state.st_mode) & rights_of_folders(target.parent)
            if rights != stat.S_IMODE(state.st_mode) and state.st_uid == os.getuid():
                target.chmod(rights)
