"""The parts of a split on disk: checked when written and again when read, so that nothing is lost or leaks."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.names import AT_RANDOM
from cragru.core.place import PathLike, spot
from cragru.data.frames import INTERACTIONS
from cragru.data.split import UNTIMED, Rows
from cragru.kept.files import read_parquet, read_record, sha256, write_json, write_parquet

PARTS = ("forget", "forget-heldout", "train", "valid", "test")
RECORD = {
    "rows": int,
    "parts": {name: {"rows": int, "sha256": str} for name in PARTS},
}  # split.json
AGAIN = "delete the split's folder and run again"  # an advice
SCHEMA = {"row": "int32", **INTERACTIONS}  # row: number in the prepared interactions


def write_parts(
    folder: PathLike, rows: Rows, interactions: pd.DataFrame, divided: np.ndarray | None = None
) -> None:
    """Write each part of the prepared interactions as parquet, and `split.json` with their counts and checksums.

    Args:
        folder: Where to write.
        rows: Row numbers of each part, and of what is left out of all of them; of that the count alone is written.
        interactions: The prepared interactions.
        divided: The row numbers that are divided; all unless earlier requests have removed some.

    Raises:
        CragruError: If the parts together are not a permutation of the rows that are divided.
    """
    folder = Path(folder)
    together = np.sort(np.concatenate(list(rows.values())))
    wanted = np.arange(len(interactions)) if divided is None else np.sort(divided)
    if not np.array_equal(together, wanted):
        raise CragruError(f"no permutation of the {len(wanted)} rows to divide", place=spot(folder))
    parts = {}
    for name in PARTS:
        part = interactions.iloc[rows[name]].assign(row=rows[name])
        path = folder / f"{name}.parquet"
        write_parquet(path, part, SCHEMA)
        parts[name] = {"rows": len(part), "sha256": sha256(path)}
    total = sum(part["rows"] for part in parts.values())
    left_out = {"left_out": len(wanted) - total} if total < len(wanted) else {}
    write_json(folder / "split.json", {"rows": total, "parts": parts, **left_out})


def read_parts(folder: PathLike, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Read some parts of a split, without opening the others.

    What a part may hold is settled by `split.json`, which was written after the check that the parts are a permutation
    of the rows to divide: so equal checksums prove that the parts read are disjoint from those that were not.

    Raises:
        CragruError: If a file is not the one that was written.
    """
    record = read_record(Path(folder, "split.json"), RECORD)
    return {name: _read_part(folder, name, record["parts"][name]["sha256"]) for name in names}


def read_all_parts(folder: PathLike, interactions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Read the whole split and check it row by row against the prepared interactions.

    A split after several requests lacks the rows of the earlier ones, and any split what it leaves out; `split.json`
    has the number of rows in parts.

    Raises:
        CragruError: If a row is lost, repeated or altered.
    """
    record = read_record(Path(folder, "split.json"), RECORD)
    parts = read_parts(folder, PARTS)
    together = pd.concat(parts.values()).set_index("row").sort_index()
    wanted = interactions.reindex(together.index.unique()).reset_index(drop=True)
    if len(wanted) != record["rows"] or not together.reset_index(drop=True).equals(wanted):
        raise CragruError("not the prepared interactions", place=spot(folder), advice=AGAIN)
    return parts


def rows_left_out(folder: PathLike) -> int:
    """Return how many of the rows to divide a split leaves out of all parts (`cragru.data.split.time_split`)."""
    return read_record(Path(folder, "split.json"), RECORD).get("left_out", 0)


def require_times(statistics: PathLike, split_by: str) -> None:
    """Refuse to split by time a data set whose timestamps are places in a file.

    Args:
        statistics: Its statistics.json.
        split_by: One of `cragru.core.names.SPLITS`.

    Raises:
        CragruError: If that is by time and there are none.
    """
    has_times = "timestamp" not in read_record(statistics, {"users": int}).get("missing", [])
    if split_by != AT_RANDOM and not has_times:
        raise CragruError(
            "the data set has no timestamps", place="split_by", got=split_by, advice=UNTIMED
        )


def read_sizes(path: PathLike) -> tuple[int, int]:
    """Return the numbers of users and items of a data set, from its statistics.json."""
    statistics = read_record(path, {"users": int, "items": int})
    return statistics["users"], statistics["items"]


def _read_part(folder: PathLike, name: str, wanted: str) -> pd.DataFrame:
    path = Path(folder, f"{name}.parquet")
    got = sha256(path)
    if got != wanted:
        raise CragruError(f"the sha256 is not {wanted}", place=spot(path), got=got, advice=AGAIN)
    return read_parquet(path, SCHEMA)
