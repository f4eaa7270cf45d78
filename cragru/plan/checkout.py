"""What Snakemake cannot start jobs from, told before it plans: folders (`envs/install.sh` refuses them), no image."""

import re
from pathlib import Path

from cragru.core.errors import CragruError, short
from cragru.core.versions import commit

# by a shell: Snakemake does not quote its Python
OBEYED = r"[\s'\"`$\\:;&|<>(){}\[\]*?\x00-\x1f\x7f]"
# Snakemake takes braces in its own path for wildcards, and quotes scripts by hand
WILDCARDS = r"['{}]"
ADVICE = "move it to a path without blanks, quotes and brackets"


def without_commit(root: Path) -> str | None:
    """Return why the manifests of a clone will name no commit, as a line; None where they will, and outside a clone."""
    checked_out, why = commit(root)
    if checked_out or not (root / ".git").exists():
        return None
    return f"manifests name no commit: {short(why)}"


def check_image(path: Path) -> None:
    """Check that the image of `--sdm apptainer` has been made.

    Raises:
        CragruError: If it is not there.
    """
    if not path.is_file():
        advice = "make it as docs/workflow.md says under Environments"
        raise CragruError("no image to run jobs in", place=path.name, got=str(path), advice=advice)


def check_checkout(root: Path, python: str) -> None:
    """Check that jobs can start in a repository, by the Python that Snakemake runs in.

    Raises:
        CragruError: If the path of one of them has a letter that stops every job.
    """
    paths = ("the checkout", str(root), WILDCARDS), ("its Python", python, OBEYED)
    for place, path, forbidden in paths:
        found = re.search(forbidden, path)
        if found:
            what = f"Snakemake starts no job in a path with {found[0]!r}"
            raise CragruError(what, place=place, got=path, advice=ADVICE)
