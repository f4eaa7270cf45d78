"""Deletion requests from a file: read, checked line by line against the data, turned into row numbers."""

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.written.spreadsheets import CsvRow, read_spreadsheet

HEADER = ["user", "item"]
IDS = "use the publisher's ids"  # an advice


class Catalogue:
    """Finds rows by the publisher's own ids."""

    def __init__(
        self, interactions: pd.DataFrame, users: pd.DataFrame, items: pd.DataFrame
    ) -> None:
        """Index the prepared frames."""
        self.users = dict(zip(users["raw_id"], users["user"], strict=True))
        self.items = dict(zip(items["raw_id"], items["item"], strict=True))
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
    for asking in _lines(path):
        where = spot(path, asking.line)
        for row in catalogue.rows(*asking.cells, where).tolist():
            if row in asked:
                raise CragruError(f"line {asked[row]} asks for it too", place=where)
            asked[row] = asking.line
    if not asked:
        raise CragruError("asks for nothing", place=spot(path), advice="add lines user,item")
    return np.sort(np.fromiter(asked, dtype=np.int64))


def _lines(path: PathLike) -> list[CsvRow]:
    """Return the rows below the header; the item is empty where all of the user's are asked for."""
    header, *rows = read_spreadsheet(path, "a request") or [CsvRow(1, [])]
    if header.cells != HEADER:  # in no other order: many a number is an id of a user and of an item
        raise _misread(path, header, "the header must be user,item")
    for row in rows:
        if len(row.cells) != len(HEADER) or not row.cells[0]:
            raise _misread(path, row, "expected user,item or user, for all items")
    return rows


def _misread(path: PathLike, row: CsvRow, what: str) -> CragruError:
    return CragruError(what, place=spot(path, row.line), got=",".join(row.cells))
