"""What a maker of a table or figure takes and gives; a kind has one, a module with a function `make`.

`make(order)` reads the files that its order names. It returns a `Table` or a `Drawing`, which scripts/table.py and
scripts/figure.py write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from cragru.evaluation.bootstrap import Resampling
from cragru.reporting.grid import Grid
from cragru.reporting.labels import Row

RESAMPLING = Resampling(seed=0)  # how the intervals of all tables are made


@dataclass(frozen=True)
class Order:
    """What to make, and of what.

    Attributes:
        rows: One mapping a row and seed, as they follow each other in the table: labels, `seed`, and files by name,
            None where the row has none. Each maker says which it reads.
        spec: The entry of tables.yaml or figures.yaml.
        words: What notes call things, by what they are.
        further: Further files by name, such as `paper`, the printed values; none that is not there.
    """

    rows: Sequence[Row]
    spec: Mapping[str, Any]
    words: Mapping[str, Any]
    further: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, job: Any) -> Self:
        """Read an order from the object that Snakemake injects into scripts; an empty list stands for no file."""
        params = job.params
        further = {name: path for name, path in job.input.items() if name != "rows" and path}
        return cls(params.rows, params.spec, params.words, further)


@dataclass(frozen=True)
class Table:
    """A table, not yet written.

    Attributes:
        frame: Every number.
        header: Names of the grid's columns.
        grid: The texts to be read by people, `[lines][columns]`.
        notes: Lines below the grid.
    """

    frame: pd.DataFrame
    header: Sequence[str]
    grid: Grid
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Drawing:
    """A figure, not yet drawn.

    Attributes:
        data: Every number.
        bars: What `cragru.reporting.bars.draw_bars` draws of them.
        note: Stands below the bars.
        has_points: Whether these are no bars, but what `cragru.reporting.points.draw_points` draws.
    """

    data: pd.DataFrame
    bars: pd.DataFrame
    note: str
    has_points: bool = False
