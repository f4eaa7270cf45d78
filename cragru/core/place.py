"""Name places: a file, and where in it; the variable that names the cache."""

import os

PathLike = str | os.PathLike[str]
CACHE = "SNAKEMAKE_OUTPUT_CACHE"  # Snakemake's variable: the folder of `--cache`


def spot(path: PathLike, line: int | None = None, column: str | None = None) -> str:
    """Return a place in a file, as errors name it: its line, counted from 1, and the name of its column."""
    place = os.fspath(path)
    if line is not None:
        place += f", line {line}"
    if column is not None:
        place += f", column {column!r}"
    return place
