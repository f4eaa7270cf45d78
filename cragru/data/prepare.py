"""Turn raw files into the frames that every later stage reads."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cragru.config.base import parse
from cragru.config.datasets import SourceRecord
from cragru.core.errors import CragruError, excerpt, nearest
from cragru.core.names import SOURCE_FILE
from cragru.core.place import PathLike
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.kept.files import read_json, write_json, write_parquet


def prepare(raw_dir: PathLike, out_dir: PathLike, loaders: Mapping[str, str]) -> None:
    """Write interactions.parquet, users.parquet, items.parquet and statistics.json.

    Only users and items with an interaction are kept (the counting of the paper's Table I). They get dense ids from 0
    in ascending order of their raw ids, so that ids depend on neither the order of the file nor its source.
    Interactions are sorted by user, timestamp and item. Equal data give equal bytes.

    Args:
        raw_dir: A folder that `cragru.data.download.fetch` has filled.
        out_dir: Where the four files go; made if missing.
        loaders: The module that reads the files of each source, by the source's name.

    Raises:
        CragruError: If the download is not complete, came from a source that has no loader, a raw file is not what its
            loader expects, or the loader gives something else where text belongs.
    """
    raw, out = Path(raw_dir), Path(out_dir)
    record_path = raw / SOURCE_FILE
    if not record_path.is_file():
        raise CragruError(
            f"{record_path}: no such file, so the raw data are not complete; download the data set first"
        )
    record = parse(SourceRecord, read_json(record_path), str(record_path))
    if record.source not in loaders:
        hint = nearest(record.source, loaders)
        raise CragruError(
            f"{record_path}: source: got {record.source!r} ({hint}); delete the folder and run again"
        )
    loader = loaders[record.source]
    tables = importlib.import_module(loader).load(raw)
    _check_text(loader, "users", tables.users, USERS)
    _check_text(loader, "items", tables.items, ITEMS)
    user_ids, users = np.unique(tables.interactions["user"], return_inverse=True)
    item_ids, items = np.unique(tables.interactions["item"], return_inverse=True)
    interactions = tables.interactions.assign(user=users, item=items).sort_values(
        ["user", "timestamp", "item"]
    )
    write_parquet(out / "interactions.parquet", interactions, INTERACTIONS)
    write_parquet(out / "users.parquet", _numbered(tables.users, "user", user_ids), USERS)
    write_parquet(out / "items.parquet", _numbered(tables.items, "item", item_ids), ITEMS)
    write_json(out / "statistics.json", statistics(interactions, tables.scale))


def statistics(interactions: pd.DataFrame, scale: tuple[float, float]) -> dict[str, Any]:
    """Count what Table I of the paper counts.

    Args:
        interactions: Columns user, item, timestamp; ids are dense, so each one below the highest occurs.
        scale: The lowest and the highest rating that the data set allows.

    Returns:
        users, items, interactions, interactions_per_user, sparsity (the share of pairs without an interaction),
        rating_min, rating_max (of the scale), first_timestamp, last_timestamp (seconds since 1970).
    """
    users, items = interactions["user"].nunique(), interactions["item"].nunique()
    return {
        "users": users,
        "items": items,
        "interactions": len(interactions),
        "interactions_per_user": len(interactions) / users,
        "sparsity": 1 - len(interactions) / (users * items),
        "rating_min": scale[0],
        "rating_max": scale[1],
        "first_timestamp": int(interactions["timestamp"].min()),
        "last_timestamp": int(interactions["timestamp"].max()),
    }


def _check_text(loader: str, name: str, frame: pd.DataFrame, schema: Mapping[str, str]) -> None:
    """A loader that guesses makes a missing number of a title ``NA``; what it gives in columns of text must be text."""
    for column, dtype in schema.items():
        if dtype != "object" or column == "raw_id":
            continue
        for raw_id, value in zip(frame["raw_id"], frame[column], strict=True):
            if not isinstance(value, str):
                raise CragruError(
                    f"{loader}: {name}, raw_id {raw_id}, {column}: got {excerpt(value)}, expected text; correct "
                    "the loader"
                )


def _numbered(frame: pd.DataFrame, column: str, raw_ids: np.ndarray) -> pd.DataFrame:
    """The rows of `raw_ids`, in that order, with their dense ids in `column`; raw ids become text."""
    kept = frame.set_index("raw_id").loc[raw_ids].reset_index()
    return kept.assign(**{column: np.arange(len(kept)), "raw_id": kept["raw_id"].astype(str)})
