"""Signs of life for long work: a bar on a terminal, a line now and then in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

LINE_EVERY = 10.0  # seconds between lines where there is no terminal

Item = TypeVar("Item")


class Progress(Iterable[Item]):
    """Iterates over `items` and shows how far it is, with the values last given to `show`."""

    def __init__(self, items: Iterable[Item], title: str, total: int, unit: str) -> None:
        """Name the work.

        Args:
            items: What to iterate over.
            title: What is being done, in a few words.
            total: How many items there are at most.
            unit: What an item is.
        """
        self._items, self._title, self._total, self._unit = items, title, total, unit
        self._values: dict[str, float] = {}
        self._bar: tqdm | None = None

    def show(self, **values: float) -> None:
        """Put `values` beside the bar, or into the next line."""
        self._values = values
        if self._bar is not None:
            self._bar.set_postfix({name: f"{value:.4f}" for name, value in values.items()})

    def __iter__(self) -> Iterator[Item]:
        if sys.stderr.isatty():
            with tqdm(self._items, desc=self._title, total=self._total, unit=self._unit, leave=False) as self._bar:
                yield from self._bar
            return
        said = time.monotonic()
        for done, item in enumerate(self._items, start=1):
            yield item
            if time.monotonic() - said > LINE_EVERY:
                said = time.monotonic()
                values = "".join(f", {name} {value:.4f}" for name, value in self._values.items())
                logging.getLogger(__name__).info(
                    "%s: %s %d of at most %d%s", self._title, self._unit, done, self._total, values
                )
