"""Tables of what methods take for a small and for a large request (the paper's Section V-C)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from cragru.config.types import Name
from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.cells import plain_cells, scored_file
from cragru.plan.rows import CRAGRU, EVERYONE, Row, cell_row, model_rows, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries, Table, not_forget_first, wrong_table
from cragru.plan.tables.unlearning_time import TimeTable
from cragru.plan.words import protocol_title


class SizeTable(Table):
    """A table of what methods take for a small and for a large request (the paper's Section V-C)."""

    maker: ClassVar[str] = "cragru.reporting.size_table"
    times: ClassVar[bool] = True

    kind: Literal["request-size"]
    time: Name = Field(description="the table of single requests that the small one is taken from")
    protocol: Name = Field(description="the protocol of the large request")

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return every method for the large request, and CRAGRU where an LLM answers its cohort, under every seed."""
        methods, files = run.settings.methods, {"cost": places.COST}
        rows = []
        for pair in pairs_of(run):
            rows += model_rows(run, self.protocol, pair, methods, EVERYONE, **files)
        for cell in plain_cells(run, self.protocol):
            if cell.candidates_of == ORIGINAL:  # as in the table of single requests
                row = cell_row(run, cell, CRAGRU)
                rows.append(row.of_files(cost=scored_file(cell, places.COST)))
        return [_of_costs(row) for row in rows]

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what captions call the protocols of the small and of the large request, and tables Retrain."""
        small = protocol_title(run, tables[self.time].protocol)
        titles = [small, protocol_title(run, self.protocol)]
        return {"titles": titles, "retrain": run.label(RETRAIN)}

    def tables(self) -> dict[str, str]:
        """Return the table of single requests."""
        return {"times": self.time}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from not_forget_first(run, self.protocol)
        yield from wrong_table(tables, "time", self.time, TimeTable)
        protocol = run.protocols.get(self.protocol)
        if protocol and protocol.forget.kind != "interactions":
            what = f"forgets {protocol.forget.kind}, and no interactions alone"
            yield Problem(what, "protocol", self.protocol, advice="take one that does")


def _of_costs(row: Row) -> Row:
    """Return a row of what it took, with its data set's counts; whose users an LLM answered is told, but not read."""
    cohort = None if row.cell is None else row.labels["panel"]
    statistics = places.place(places.STATISTICS, dataset=row.dataset)
    files = {"cost": row.files["cost"], "statistics": statistics}
    return replace(row.called(cohort=cohort), files=files)
