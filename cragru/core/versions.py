"""Look up installed versions of other packages, and the commit of our own, for the records of what made a result."""

import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages by name; leave out those that are not installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit(root: Path) -> tuple[str | None, str]:
    """Return the commit that is checked out in a folder; None with git's words where there is none to be had.

    A folder inside another repository, such as an unpacked archive, is of no commit of that one.
    """
    command = ["git", "rev-parse", "--show-toplevel", "HEAD"]
    try:
        answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError as error:
        return None, str(error)
    if answer.returncode:
        return None, answer.stderr.strip()
    top, checked_out = answer.stdout.splitlines()
    return (checked_out, "") if Path(top).samefile(root) else (None, f"the repository is {top}")
