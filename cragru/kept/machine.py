"""Failures of the machine, told from faults of cragru: a full disk, missing rights, too many open files, no memory."""

import errno
import os
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from cragru.core.errors import CragruError

Result = TypeVar("Result")
REPEAT = "run the same command again"  # the end of an advice

ADVICE = {
    errno.ENOSPC: "no space is left on the disk; free some",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file is larger than this system allows (`ulimit -f`); raise the limit",
    errno.EACCES: "permission denied; see that you may read files there and write into its folder",
    errno.EPERM: "the system does not permit it; see that the files and their folder are yours",
    errno.EROFS: "the file system is read-only; let results lie on another one",
    errno.EIO: "the disk failed to read or to write; check it",
    errno.ESTALE: "the network file system has lost the file; see that it is mounted",
    errno.EMFILE: "too many files are open (`ulimit -n`); raise the limit",
    errno.ENFILE: "too many files are open on this machine; close some programs",
    errno.ENOMEM: "no memory is left; use fewer cores or a machine with more",
    errno.EAGAIN: "too many processes or threads run (`ulimit -u`); use fewer cores",
    errno.ENAMETOOLONG: "the path is longer than the file system allows; use shorter names",
    errno.ELOOP: "symbolic links lead in a circle; delete them",
    errno.ENOTDIR: "a file lies where a folder must be; move it away",
    errno.EISDIR: "a folder lies where a file must be; move it away",
}
"""What has happened, by the error's number, and what to do before the same command is run again."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # of the file that is written

KILLED = (
    "a job was killed from outside (SIGKILL), as a system does that runs out of memory (`dmesg` tells); use fewer "
    f"--cores or a machine with more memory, and {REPEAT}"
)
NO_MEMORY = re.compile(r"can't allocate memory|out of memory|Cannot allocate memory", re.IGNORECASE)
NUMBER = re.compile(r"(?:os error|errno) (\d+)", re.IGNORECASE)


def trouble(error: BaseException) -> str | None:
    """Return what has failed in the machine, and what to do about it; None where the machine is not to blame.

    Libraries wrap such errors, and some give only their text, such as ``os error 28``: causes and texts count too.
    """
    number = _number(error)
    advice = ADVICE.get(number)
    if advice is None:
        return trouble(error.__cause__) if error.__cause__ else None
    name = getattr(error, "filename", None)
    if number in FULL:  # a failed copy names what it reads first
        name = getattr(error, "filename2", None) or name
    return f"{os.fspath(name)}: {advice}" if isinstance(name, str | os.PathLike) else advice


def _number(error: BaseException) -> int | None:
    """Return an exception's error number, also where only its text names it."""
    is_told = isinstance(error, RuntimeError) and NO_MEMORY.search(str(error))
    if is_told or isinstance(error, MemoryError):
        return errno.ENOMEM
    found = NUMBER.search(str(error))
    return getattr(error, "errno", None) or (int(found[1]) if found else None)


def killed(log: str) -> str | None:
    """Return what to say of a job that the system has killed; None if Snakemake's log tells of none."""
    return KILLED if "SIGKILL" in log else None


def checked_or_exit(check: Callable[..., Result], *what: Any) -> Result:
    """Return what `check(*what)` returns; where it fails, end the process with one line instead of a traceback."""
    try:
        return check(*what)
    except CragruError as error:
        sys.exit(f"cragru: {error}")
    except OSError as error:
        if trouble(error):
            sys.exit(f"cragru: {trouble(error)}, and {REPEAT}")
        raise
