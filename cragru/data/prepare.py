"""Turn raw files into the frames that every later stage reads."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cragru.config.datasets import Keep
from cragru.core.errors import CragruError, Problem
from cragru.core.names import SOURCE_FILE
from cragru.core.place import PathLike, spot
from cragru.data.filters import kept_rows
from cragru.data.frames import INTERACTIONS, ITEMS, USERS, RawTables
from cragru.data.keys import packed
from cragru.kept.files import read_record, write_json, write_parquet
from cragru.plugins.options import read_options
from cragru.plugins.source import CLASS

NO_OPTIONS: Mapping[str, Mapping[str, Any]] = {}


def prepare(
    raw_dir: PathLike,
    out_dir: PathLike,
    loaders: Mapping[str, str],
    own: Sequence[str] = (),
    options: Mapping[str, Mapping[str, Any]] = NO_OPTIONS,
    keep: Keep = Keep(),  # noqa: B008  it is frozen
) -> None:
    """Write interactions.parquet, users.parquet, items.parquet and statistics.json.

    Only users and items with an interaction are kept (the counting of the paper's Table I). They get dense ids from 0
    in ascending order of their raw ids, so that ids depend on neither the order of the file nor its source.
    Interactions are sorted by user, timestamp and item. Equal data give equal bytes.

    Args:
        raw_dir: A folder that `cragru.data.download.fetch` has filled.
        out_dir: Where the four files go.
        loaders: The module that reads the files of each source, by the source's name.
        own: The files of a person of which those in the folder are copies, for errors to name.
        options: The options of the module of each source.
        keep: Which rows are kept; what is left out is counted in statistics.json.

    Raises:
        CragruError: If the download is not complete or of a source without a loader, a raw file is not what its loader
            expects, the tables are not what `RawTables` says, or `keep` refuses them or leaves no row.
    """
    tables, out = _load(Path(raw_dir), loaders, own, options, keep), Path(out_dir)
    rows, left_out = kept_rows(tables.interactions, keep)
    users, user_ids = pd.factorize(rows["user"].to_numpy(), sort=True)
    items, item_ids = pd.factorize(rows["item"].to_numpy(), sort=True)
    interactions = _sorted(rows.assign(user=users, item=items))
    write_parquet(out / "interactions.parquet", interactions, INTERACTIONS)
    write_parquet(out / "users.parquet", _numbered(tables.users, "user", user_ids), USERS)
    write_parquet(out / "items.parquet", _numbered(tables.items, "item", item_ids), ITEMS)
    facts = {"missing": list(tables.missing), "keep": keep.rules, "left_out": left_out}
    counted = statistics(interactions, tables.scale)
    if "timestamp" in tables.missing:
        counted |= {"first_timestamp": None, "last_timestamp": None}
    write_json(out / "statistics.json", counted | {name: one for name, one in facts.items() if one})


def statistics(interactions: pd.DataFrame, scale: tuple[float, float]) -> dict[str, Any]:
    """Count what Table I of the paper counts.

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


def _load(
    raw: Path,
    loaders: Mapping[str, str],
    own: Sequence[str],
    options: Mapping[str, Mapping[str, Any]],
    keep: Keep,
) -> RawTables:
    """Read raw files with the loader of the source that they came from; refuse repeats unless a rule keeps one."""
    record = raw / SOURCE_FILE
    source = read_record(record, {"source": str})["source"]
    if source not in loaders:  # such as one that the registry had when the files were downloaded
        place = f"{record}: source"
        raise CragruError(place=place, got=source, allowed=loaders, advice="delete the folder")
    module = loaders[source]
    try:
        loader = importlib.import_module(module)
        if CLASS in vars(loader):
            tables = loader.load(raw, read_options(loader.Options, options[source]))
        else:
            tables = loader.load(raw)
        if keep.repeats == "refuse":
            tables.refuse_repeats()
        return tables
    except CragruError as error:
        found = (_placed(problem, raw, module, own) for problem in error.problems)
        raise CragruError.of(found) from error


def _placed(problem: Problem, raw: Path, module: str, own: Sequence[str]) -> Problem:
    """Return a loader's problem with a place that a person can go to, and what to do there."""
    place = problem.place
    copied = {spot(raw / Path(file).name): file for file in own}
    copy = next(filter(place.startswith, copied), None)
    if copy:
        place = place.replace(copy, copied[copy], 1)
    elif not place.startswith(spot(raw)):
        place = f"{module}: {place}"
    return Problem(
        problem.what,
        place,
        problem.got,
        problem.allowed,
        advice=problem.advice
        or (
            "correct it and run again" if copy else "correct the loader, or the file at its source"
        ),
    )


def _sorted(interactions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by user, timestamp and item; no pair is there twice, so there is one such order."""
    columns = ["user", "timestamp", "item"]
    key = packed(*(interactions[column].to_numpy() for column in columns))
    if key is None:  # such as of times that are no integers
        return interactions.sort_values(columns)
    return interactions.take(key.argsort())


def _numbered(frame: pd.DataFrame, column: str, raw_ids: np.ndarray) -> pd.DataFrame:
    """Return the rows of `raw_ids`, in that order, with their dense ids in `column`; raw ids become text."""
    kept = frame.set_index("raw_id").loc[raw_ids].reset_index()
    return kept.assign(**{column: np.arange(len(kept)), "raw_id": kept["raw_id"].astype(str)})
