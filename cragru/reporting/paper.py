"""The paper's printed values, to stand beside ours."""

import pandas as pd

from cragru.errors import CragruError
from cragru.io import PathLike


def printed_values(path: PathLike | None, keys: list[str]) -> pd.DataFrame:
    """Read a CSV of printed values, indexed by `keys` (labels as tables show them).

    Args:
        path: The file, or None for a table that the paper does not have.
        keys: Columns that name a row.

    Raises:
        CragruError: If the file lacks a key or names a row twice.
    """
    if path is None:
        return pd.DataFrame(
            index=pd.MultiIndex.from_tuples([], names=keys) if len(keys) > 1 else pd.Index([])
        )
    frame = pd.read_csv(path)
    missing = set(keys) - set(frame.columns)
    if missing:
        raise CragruError(
            f"{path}: columns {sorted(missing)} are missing; it has {list(frame.columns)}"
        )
    frame = frame.set_index(keys)
    if not frame.index.is_unique:
        repeated = frame[frame.index.duplicated()].reset_index().iloc[0]
        row = ", ".join(f"{key} {repeated[key]}" for key in keys)
        raise CragruError(f"{path}: the row of {row} is there twice; keep one")
    return frame


def printed(frame: pd.DataFrame, row: tuple | str, column: str) -> float | None:
    """One printed value, or None where the paper has none."""
    if column not in frame.columns or row not in frame.index:
        return None
    return float(frame.loc[row, column])
