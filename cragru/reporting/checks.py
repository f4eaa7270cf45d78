"""What must hold of rows that a table or figure sets side by side."""

from collections.abc import Collection, Hashable, Iterable, Sequence
from operator import itemgetter

from cragru.core.errors import CragruError
from cragru.reporting.labels import Row

AGAIN = "delete both and make them again, of one split and one cohort"


def row_place(row: Row, names: Sequence[str]) -> str:
    """Return the place of a row, as errors name it: its labels and its seed."""
    again = f", training {row['training']}" if row.get("training") else ""
    return f"{', '.join(itemgetter(*names)(row))}, seed {row['seed']}{again}"


def check_once(rows: Iterable[Row], names: Sequence[str]) -> None:
    """Refuse a row with the same labels `names`, seed and training as another: its users would count twice."""
    known = set()
    for row in rows:
        key = itemgetter(*names, "seed")(row), row.get("training")
        if key in known:
            raise CragruError("there twice", place=row_place(row, names))
        known.add(key)


def check_same_users(
    results: Iterable[tuple[Hashable, str, Collection[int]]], least: int = 1
) -> None:
    """Refuse results that are compared, but are of different users.

    Args:
        results: With what each is compared (equal for all of a group), its place for errors, and its users.
        least: How many users each must have.
    """
    first: dict[Hashable, tuple[str, set[int]]] = {}
    for group, place, users in results:
        other, expected = first.setdefault(group, (place, set(users)))
        lone = sorted(expected ^ set(users))
        if lone:
            raise CragruError(f"not the users of {other}", place=place, got=lone, advice=AGAIN)
        if len(users) < least:
            raise CragruError("no users", place=place, advice=AGAIN)
