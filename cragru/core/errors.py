"""Expected failures: the parts of an error, and the one line that is made of them."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

Made = TypeVar("Made")

LONGEST = 120  # characters of a value, or of another program's words, that an error shows
NOTHING: Any = object()  # stands for no value, where None would be one


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in parts; as text, the line that a person reads.

    Attributes:
        what: What is wrong, in words; empty where the other parts tell it.
        place: Where: a file (`cragru.core.place.spot`), a key path, a variable.
        got: The wrong value; `NOTHING` where there is none to show.
        allowed: The names that would be right, where they can be listed.
        advice: What to do, in words.
    """

    what: str = ""
    place: str = ""
    got: Any = NOTHING
    allowed: Iterable[str] | None = None
    advice: str = ""

    def within(self, place: str) -> "Problem":
        """Return the same problem, its place named from further outside."""
        return replace(self, place=": ".join(filter(None, (place, self.place))))

    def under(self, section: str) -> "Problem":
        """Return the same problem, its key path continued upwards."""
        return replace(self, place=".".join(filter(None, (section, self.place))))

    def __str__(self) -> str:
        parts = [self.what] if self.what else []
        if self.got is not NOTHING:
            parts.append(f"got {excerpt(self.got)}")
        line = ", ".join(parts)
        if self.allowed is not None:
            line += f" ({nearest(str(self.got), self.allowed)})"
        if self.place:
            line = f"{self.place}: {line}"
        return f"{line}; {self.advice}" if self.advice else line


class CragruError(ValueError):
    """An expected failure: scripts print its one line, and keep the traceback for the log (`cragru.job.stage`).

    `problems` holds what is wrong, one or more.
    """

    def __init__(self, what: str = "", **parts: Any) -> None:
        """Name the parts of one problem; see `Problem`."""
        self._take([Problem(what, **parts)])

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Return the error of several problems, each told once."""
        error = cls()
        error._take(problems)
        return error

    def _take(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple({str(problem): problem for problem in problems}.values())
        self.args = ("; ".join(map(str, self.problems)),)

    def within(self, place: str) -> "CragruError":
        """Return the same error, its places named from further outside."""
        return CragruError.of(problem.within(place) for problem in self.problems)


class Problems:
    """Gather expected failures, so that a person learns of all of them at once; `found` holds those so far."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def take(self, make: Callable[[], Made]) -> Made | None:
        """Return what `make` returns; keep its problems and return None where it fails as expected."""
        try:
            return make()
        except CragruError as error:
            self.found += error.problems
            return None

    def tell(self) -> None:
        """Raise an error with every problem, where there are any."""
        if self.found:
            raise CragruError.of(self.found)


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return what is allowed instead of a name, as ``did you mean 'ml-100k'? allowed: ml-100k, ml-1m``."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    listing = f"allowed: {', '.join(names) or 'nothing'}"
    return f"did you mean {close[0]!r}? {listing}" if close else listing


def short(text: str) -> str:
    """Return a text for an error: on one line, control characters spelled out, cut where it is long."""
    line = " ".join(text.split())
    return _cut("".join(one if one.isprintable() else repr(one)[1:-1] for one in line))


def excerpt(value: object) -> str:
    """Return a value for an error: as Python writes it, cut where it is long."""
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
