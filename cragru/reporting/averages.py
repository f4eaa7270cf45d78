"""What tables and figures say of the averages that they show."""

from collections.abc import Iterable


def counted(users: Iterable[float]) -> str:
    """How many users were averaged over, number by number: `32 users`, or `30 to 32 users` where numbers differ."""
    counts = sorted({round(count) for count in users})
    if counts == [1]:
        return "1 user"
    return f"{counts[0]} users" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} users"
