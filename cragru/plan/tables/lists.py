"""Tables of what lists are like, all users' together: coverage, concentration, novelty."""

from collections.abc import Iterator
from itertools import product
from typing import Any, ClassVar, Literal

from pydantic import Field

from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.evaluation.bias_columns import LIST_LENGTH
from cragru.plan import places
from cragru.plan.cells import plain_cells, shuffled_cells
from cragru.plan.rows import CONTROLS, EVERYONE, Row, cell_row, cohort_panel, model_rows, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import AgainstRetrain, Cutoffs, Entries, Table
from cragru.plan.words import protocol_title, scoring_note


class ListsTable(AgainstRetrain, Table):
    """A table of what lists are like, all users' together: coverage, concentration, novelty."""

    maker: ClassVar[str] = "cragru.reporting.lists_table"

    kind: Literal["lists"]
    cutoffs: Cutoffs
    panel: bool = Field(
        default=False,
        description="whether CRAGRU is shown, in a second panel of the cohort's users",
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return every model on all users; then, with a panel, these and CRAGRU with its controls on the cohort."""
        cells = []
        if self.panel:
            cells = plain_cells(run, self.protocol) + shuffled_cells(run, self.protocol)
        rows = []
        for pair in pairs_of(run):
            rows += self._models(run, pair, EVERYONE)
        for pair in pairs_of(run) if cells else []:
            rows += self._models(run, pair, cohort_panel(run))
            for (label, order, results), cell in product(CONTROLS, cells):
                if (cell.pair, cell.order) == (pair, order):
                    rows.append(cell_row(run, cell, label, lists=places.RECOMMENDED_OF[results]))
        return [_with_popularity(run, row) for row in rows]

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the aim is called, and what is said of the LLM's part."""
        return {
            "title": protocol_title(run, self.protocol),
            "retrain": run.label(RETRAIN),
            "note": scoring_note(run, self.rows(run, tables)),
        }

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from super().problems(run, tables)
        if max(self.cutoffs) > LIST_LENGTH:
            yield Problem(f"lists have {LIST_LENGTH} items", "cutoffs", self.cutoffs)

    def _models(self, run: Run, pair: tuple[str, str], panel: str) -> list[Row]:
        rows = []
        for model in dict.fromkeys([ORIGINAL, RETRAIN, *run.settings.methods]):
            files = {"trainings": run.nulls(model), "lists": places.RECOMMENDED}
            rows += model_rows(run, self.protocol, pair, [model], panel, **files)
        return rows


def _with_popularity(run: Run, row: Row) -> Row:
    """Return a row with the files that say who was trained on what, which all trainings have alike."""
    names = {name: getattr(row, name) for name in ("dataset", "protocol", "seed")}
    names["backbone"] = run.training(row.backbone, 0)
    return row.of_files(
        user_groups=places.place(places.USER_GROUPS, **names),
        item_rows=places.place(places.ITEM_ROWS, **names),
    )
