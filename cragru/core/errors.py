"""The one exception for expected failures, and the hints that go into its message."""

import difflib
from collections.abc import Callable, Iterable
from typing import TypeVar

Made = TypeVar("Made")

LONGEST = 80  # characters of a wrong value that a message shows


class CragruError(Exception):
    """An expected failure, told in one line: what, where, got, allowed and what to do.

    Scripts print the line alone and keep the traceback for the log (`cragru.job.stage`).
    """


def excerpt(value: object) -> str:
    """A wrong value as a message shows it: quoted, on one line, and cut where it is long."""
    got = repr(value)
    return got if len(got) <= LONGEST else got[:LONGEST] + "…"


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Say what is allowed instead of `name`, nearest spelling first.

    Args:
        name: What was asked for.
        allowed: Every name that would have been right.

    Returns:
        A clause for an error message, such as ``did you mean 'ml-100k'? allowed: ml-100k, ml-1m``.
    """
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    listing = f"allowed: {', '.join(names) or 'nothing'}"
    return f"did you mean {close[0]!r}? {listing}" if close else listing


class Problems:
    """Expected failures, gathered so that a person learns of all of them at once.

    Attributes:
        lines: What each says.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def take(self, make: Callable[[], Made]) -> Made | None:
        """What `make` returns; None where it fails as expected, whose line is kept."""
        try:
            return make()
        except CragruError as error:
            self.lines.append(str(error))
            return None

    def tell(self) -> None:
        """Stop where there are any.

        Raises:
            CragruError: With each of them, once.
        """
        if self.lines:
            raise CragruError("; ".join(dict.fromkeys(self.lines)))


def printable(text: str) -> str:
    """A text for a message: on one line, control characters spelled out, not too long.

    Args:
        text: As a person or a file gave it.
    """
    line = " ".join(text.split())
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in line
    )
    return shown if len(shown) <= 2 * LONGEST else shown[: 2 * LONGEST] + "…"
