"""Tables of data set statistics (the paper's Table I)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cragru.evaluation.printed_columns import OF_DATASETS
from cragru.plan import places
from cragru.plan.rows import Row
from cragru.plan.tables.base import PrintedTable
from cragru.written.printed import PrintedColumns

if TYPE_CHECKING:
    from cragru.plan.project import Project


class DatasetsTable(PrintedTable):
    """A table of data set statistics (the paper's Table I)."""

    maker: ClassVar[str] = "cragru.reporting.datasets_table"
    paper_columns: ClassVar[PrintedColumns] = OF_DATASETS

    kind: Literal["datasets"]

    def rows(self, project: Project) -> list[Row]:
        """A row for each data set of the run."""
        rows = []
        for name in project.settings.datasets:
            statistics = places.place(places.STATISTICS, dataset=name)
            labels = {"dataset": project.registry.datasets[name].title}
            rows.append(Row(name, labels=labels, files={"statistics": statistics}))
        return rows
