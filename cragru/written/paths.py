"""Paths that a person wrote, into a configuration key or a variable: one rule for all of them.

`~` is the home folder, as a shell has it. A relative path is of the repository where something of that name is there,
else of the folder that Snakemake runs in; these two are one folder unless `--directory` names another.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from cragru.core.errors import CragruError, Problem
from cragru.core.place import CACHE

_CHECKOUT, _SHIPPED = Path(__file__).parents[2], Path(__file__).parents[1] / "shipped"
# pyproject.toml puts config/ there for an installed library
REPOSITORY = _SHIPPED if _SHIPPED.is_dir() else _CHECKOUT
VARIABLES = ("CRAGRU_DATA_DIR", "CRAGRU_AUDIT_KEY_FILE")  # that name a place of this machine
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")  # that programs trust
UNREAD = ("$", '"', "'")  # what a shell would have taken away, had one read the path
RULE = "a relative path is looked for in the repository, then in the folder that snakemake runs in"
WRITE_OUT = "write the path out ('~' is your home folder)"


def expanded(path: str, where: str = "") -> Path:
    """Return a path with the home folder in the place of `~`; `where` it was written is for messages.

    Raises:
        CragruError: If it is no path: blank, `~` of nobody's, `$HOME` or quotes that no shell has read.
    """
    is_path = path.strip() and path[0] not in UNREAD and "\0" not in path
    found = os.path.expanduser(path) if is_path else "~"  # noqa: PTH111  Path fails
    if found.startswith("~"):  # there is no such user, or no home folder
        raise CragruError("no path", place=where, got=path, advice=WRITE_OUT)
    return Path(found)


def located(path: str, where: str, repository: Path = REPOSITORY) -> Path:
    """Return the place that a path means, written in the key or variable `where`, whether or not anything is there.

    Raises:
        CragruError: If it is no path (`expanded`).
    """
    found = expanded(path, where)
    in_repository = repository / found
    is_there = os.path.exists(in_repository)  # noqa: PTH110  Path fails on a name too long
    return in_repository if is_there else found


def rule_for(path: str) -> str:
    """Return the rule as a clause for the message that nothing is at a relative path; empty for an absolute one."""
    return "" if expanded(path).is_absolute() else f" ({RULE})"


def as_input(path: str, where: str, repository: Path = REPOSITORY) -> str:
    """Return the place for a rule and its manifest: relative to the working folder, unless the path is absolute.

    The arguments and the error are those of `located`.
    """
    found = located(path, where, repository)
    return str(found) if found == expanded(path) else os.path.relpath(found)


def check_variables(environment: Mapping[str, str]) -> None:
    """Check, before anything runs, that the variables which name places hold paths.

    Raises:
        CragruError: As `located` does; or if Snakemake, which expands nothing, would take `~` for a folder's name.
    """
    for name in VARIABLES:
        if environment.get(name):
            located(environment[name], name)
    cache = environment.get(CACHE, "")
    if cache.startswith("~"):
        raise CragruError("no shell has read the '~'", place=CACHE, got=cache, advice=WRITE_OUT)


def lost_certificates(environment: Mapping[str, str]) -> Problem | None:
    """Return the problem with a variable that names certificates which are gone, such as those of a deleted conda."""
    for name in CERTIFICATES:
        path = environment.get(name)
        if path and not Path(path).exists():
            return Problem(
                "nothing is there", place=name, got=path, advice="unset it, or correct it"
            )
    return None


def make_cache_folder(environment: Mapping[str, str]) -> None:
    """Make the folder of Snakemake's cache: without it Snakemake would stop at the first job that uses it."""
    cache = environment.get(CACHE, "")
    try:
        if cache and "://" not in cache:  # that of a storage is no folder
            Path(cache).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"no folder: {error.strerror}"
        raise CragruError(what, place=CACHE, got=cache, advice="name another") from error
