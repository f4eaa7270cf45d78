"""Rows of several integers as one integer each: tens of millions are then sorted in a second or two."""

import numpy as np

LARGEST = np.iinfo(np.int64).max


def packed(*columns: np.ndarray) -> np.ndarray | None:
    """Return an int64 for each row, in the order of the first column, then of the second, and so on.

    Returns:
        `[n]`, equal for rows that are equal; None where the columns hold anything but signed integers, no rows, or
        numbers so far apart that they have no room.
    """
    key, room = np.zeros(len(columns[0]), dtype=np.int64), 1
    for column in columns:
        if column.dtype.kind != "i" or not len(column):
            return None
        least = int(column.min())
        size = int(column.max()) - least + 1
        room *= size
        if room > LARGEST:
            return None
        key *= size
        key += column
        key -= least
    return key


def are_distinct(*columns: np.ndarray) -> bool:
    """Return True if no two rows are alike; False if two may be, for the columns cannot be `packed`."""
    key = packed(*columns)
    if key is None:
        return False
    key.sort()
    return bool((key[1:] != key[:-1]).all())
