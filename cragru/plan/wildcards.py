"""What the plan knows of Snakemake: the names that a rule is asked for."""

from collections.abc import Iterable
from typing import Protocol


class Wildcards(Protocol):
    """A job's wildcards by attribute, all of them strings, as Snakemake hands them to functions of a rule."""

    def __getattr__(self, name: str) -> str:
        """Return the wildcard called `name`."""

    def get(self, name: str) -> str | None:
        """Return the wildcard called `name`, or None where the rule has none."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return all of them, by name."""
