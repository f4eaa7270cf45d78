"""Signs of life for long work: a bar on a terminal, a line now and then in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from tqdm import tqdm

LINE_EVERY = 10.0  # seconds between lines where there is no terminal

Item = TypeVar("Item")


class Progress(Iterable[Item], Generic[Item]):
    """Iterate over items and show how far the work is, with the values last given to `show`."""

    def __init__(
        self,
        items: Iterable[Item],
        title: str,
        total: int,
        unit: str,
        weight: Callable[[Item], int] = lambda item: 1,
    ) -> None:
        """Name the work.

        Args:
            items: What to iterate over.
            title: What is being done, in a few words.
            total: How many units there are at most.
            unit: What is counted.
            weight: How many units an item is.
        """
        self._items, self._weight = items, weight
        self._title, self._total, self._unit = title, total, unit
        self._values: dict[str, float] = {}
        self._bar: tqdm | None = None

    def show(self, **values: float) -> None:
        """Put `values` beside the bar, or into the next line."""
        self._values = values
        if self._bar is not None:
            self._bar.set_postfix({name: _short(value) for name, value in values.items()})

    def __iter__(self) -> Iterator[Item]:
        return self._with_bar() if sys.stderr.isatty() else self._with_lines()

    def _with_bar(self) -> Iterator[Item]:
        with tqdm(desc=self._title, total=self._total, unit=self._unit, leave=False) as self._bar:
            for item in self._items:
                yield item
                self._bar.update(self._weight(item))

    def _with_lines(self) -> Iterator[Item]:
        log = logging.getLogger(__name__)
        said, done = time.monotonic(), 0
        for item in self._items:
            yield item
            done += self._weight(item)
            if time.monotonic() - said > LINE_EVERY:
                said = time.monotonic()
                line = f"{self._title}: {self._unit} {done} of at most {self._total}"
                for name, value in self._values.items():
                    line += f", {name} {_short(value)}"
                log.info("%s", line)


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.0f}"
