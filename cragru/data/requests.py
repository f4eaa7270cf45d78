"""Deletion requests from a file: read, checked line by line against the data, turned into row numbers."""

from pathlib import Path

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.request_file import read_lines
from cragru.kept.files import read_parquet

IDS = "use the publisher's ids"  # an advice


class Catalogue:
    """Finds rows by the publisher's own ids."""

    def __init__(
        self, interactions: pd.DataFrame, users: pd.DataFrame, items: pd.DataFrame
    ) -> None:
        """Index the prepared frames."""
        self.users = dict(zip(users["raw_id"], users["user"], strict=True))
        self.items = dict(zip(items["raw_id"], items["item"], strict=True))
        self._user_of_row = interactions["user"].to_numpy()
        self._own = interactions.groupby("user").indices
        self._item_of_row = interactions["item"].to_numpy()

    def rows(self, user: str, item: str, where: str) -> np.ndarray:
        """Return the row numbers of a user's interaction with `item`, or of all of the user's where `item` is empty.

        Raises:
            CragruError: If the user, the item or the pair does not exist; its place is `where`.
        """
        if user not in self.users:
            raise CragruError("unknown user", place=where, got=user, advice=IDS)
        own = self._own[self.users[user]]
        if not item:
            return own
        if item not in self.items:
            raise CragruError("unknown item", place=where, got=item, advice=IDS)
        found = own[self._item_of_row[own] == self.items[item]]
        if not len(found):
            raise CragruError("no such interaction", place=where, got=f"{user},{item}")
        return found

    def users_of(self, rows: list[int]) -> set[int]:
        """Return the users of some rows."""
        return set(self._user_of_row[rows].tolist())


def read_catalogue(prepared: PathLike) -> Catalogue:
    """Return the catalogue of a folder of prepared data."""
    return Catalogue(
        read_parquet(Path(prepared, "interactions.parquet"), INTERACTIONS),
        read_parquet(Path(prepared, "users.parquet"), USERS),
        read_parquet(Path(prepared, "items.parquet"), ITEMS),
    )


def read_request(path: PathLike, catalogue: Catalogue) -> np.ndarray:
    """Read a deletion request.

    The file is CSV with the header ``user,item``, as a spreadsheet saves it in UTF-8, ids as the publisher has them; an
    empty item asks for all of the user's interactions.

    Returns:
        Ascending row numbers of the prepared interactions.

    Raises:
        CragruError: With the line number, if a line names what does not exist or asks for a row twice.
    """
    asked: dict[int, int] = {}  # rows, and the line that asks for each
    for asking in read_lines(path):
        where = spot(path, asking.line)
        for row in catalogue.rows(*asking.cells, where).tolist():
            if row in asked:
                raise CragruError(f"line {asked[row]} asks for it too", place=where)
            asked[row] = asking.line
    if not asked:
        raise CragruError("asks for nothing", place=spot(path), advice="add lines user,item")
    return np.sort(np.fromiter(asked, dtype=np.int64))
