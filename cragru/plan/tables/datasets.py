"""Tables of data set statistics (the paper's Table I)."""

from typing import ClassVar, Literal

from cragru.evaluation.printed_columns import OF_DATASETS
from cragru.plan import places
from cragru.plan.rows import Row
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries, PrintedTable
from cragru.written.printed import PrintedColumns


class DatasetsTable(PrintedTable):
    """A table of data set statistics (the paper's Table I)."""

    maker: ClassVar[str] = "cragru.reporting.datasets_table"
    paper_columns: ClassVar[PrintedColumns] = OF_DATASETS

    kind: Literal["datasets"]

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return a row for each data set of the run."""
        rows = []
        for name in run.settings.datasets:
            statistics = places.place(places.STATISTICS, dataset=name)
            labels = {"dataset": run.registry.datasets[name].title}
            rows.append(Row(name, labels=labels, files={"statistics": statistics}))
        return rows
