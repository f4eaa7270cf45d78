"""Deletion requests from a file: read, checked line by line against the data, turned into row numbers."""

import numpy as np
import pandas as pd

from cragru.core.errors import CragruError, excerpt
from cragru.core.place import PathLike
from cragru.written.spreadsheets import CsvRow, read_spreadsheet

HEADER = ["user", "item"]


class Catalogue:
    """Finds rows by the publisher's own ids."""

    def __init__(
        self, interactions: pd.DataFrame, users: pd.DataFrame, items: pd.DataFrame
    ) -> None:
        """Index the prepared frames."""
        self.users = dict(zip(users["raw_id"], users["user"], strict=True))
        self.items = dict(zip(items["raw_id"], items["item"], strict=True))
        self._own = {int(user): rows for user, rows in interactions.groupby("user").indices.items()}
        self._item_of_row = interactions["item"].to_numpy()

    def rows(self, user: str, item: str, where: str) -> np.ndarray:
        """Row numbers of a user's interaction with `item`, or of all of the user's where `item` is empty.

        Raises:
            CragruError: If the user, the item or the pair does not exist.
        """
        if user not in self.users:
            raise CragruError(
                f"{where}: unknown user {excerpt(user)}; use the publisher's user ids"
            )
        own = self._own[self.users[user]]
        if not item:
            return own
        if item not in self.items:
            raise CragruError(
                f"{where}: unknown item {excerpt(item)}; use the publisher's item ids"
            )
        found = own[self._item_of_row[own] == self.items[item]]
        if not len(found):
            raise CragruError(
                f"{where}: user {excerpt(user)} has no interaction with item {excerpt(item)}; remove the line"
            )
        return found


def read_request(path: PathLike, catalogue: Catalogue) -> np.ndarray:
    """Read a deletion request.

    The file is CSV with the header ``user,item``, as a spreadsheet saves it in UTF-8, ids as the publisher has them; an
    empty item asks for all of the user's interactions.

    Args:
        path: The file.
        catalogue: What exists.

    Returns:
        Ascending row numbers of the prepared interactions.

    Raises:
        CragruError: With the line number, if a line names what does not exist or asks for a row twice.
    """
    asked: dict[int, int] = {}
    for number, user, item in _lines(path):
        where = f"{path}, line {number}"
        for row in catalogue.rows(user, item, where).tolist():
            if row in asked:
                raise CragruError(
                    f"{where}: was asked for in line {asked[row]} already; remove one of them"
                )
            asked[row] = number
    if not asked:
        raise CragruError(f"{path}: asks for nothing; add lines user,item below the header")
    return np.sort(np.fromiter(asked, dtype=np.int64))


def _lines(path: PathLike) -> list[tuple[int, str, str]]:
    """Line, user and item of each row below the header; the item is empty where all of the user's are asked for."""
    header, *rows = read_spreadsheet(path, "a request") or [CsvRow(1, [])]
    if header.cells != HEADER:
        got = excerpt(",".join(header.cells))
        raise CragruError(f"{path}, line {header.line}: got {got}; the header must be user,item")
    for row in rows:
        if len(row.cells) != len(HEADER) or not row.cells[0]:
            got = excerpt(",".join(row.cells))
            raise CragruError(
                f"{path}, line {row.line}: got {got}; expected user,item or user, for all items"
            )
    return [(row.line, *row.cells) for row in rows]
