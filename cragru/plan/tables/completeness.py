"""Tables of what is still known of the forgotten rows ("Table IV"; the paper's RQ3)."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from cragru.config.models import Models
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan.cells import Cell, compared_cells, plain_cells, shuffled_cells, strategy_cells
from cragru.plan.rows import EVERYONE, Row, cohort_panel, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import AgainstRetrain, Entries, LeastUsers, Table
from cragru.plan.tables.forgetting import measured_cell_rows, measured_model_rows
from cragru.plan.words import protocol_title, scoring_note

MEASURES = ("membership", "completeness")  # what is read of a row


class CompletenessTable(AgainstRetrain, Table):
    """A table of what is still known of the forgotten rows ("Table IV"; the paper's RQ3)."""

    maker: ClassVar[str] = "cragru.reporting.completeness_table"

    kind: Literal["completeness"]
    panel: bool = Field(
        default=False,
        description="whether CRAGRU is shown, in a second panel of the cohort's users",
    )
    candidates_of: Models = Field(
        default=[],
        description="whose candidates CRAGRU is measured with beside retrieval.candidates_of: strategy none, on the "
        "backbones of scoring.compare_on. Retrain's hold nothing that was learnt from forgotten rows",
    )
    least_users: LeastUsers = 20

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return every model on all users, then, if the table has that panel, all rows on the cohort."""
        cells = self._cells(run)
        rows = []
        for pair in pairs_of(run):
            rows += self._models(run, pair, EVERYONE)
        for pair in pairs_of(run) if cells else []:
            own = [cell for cell in cells if cell.pair == pair]
            rows += self._models(run, pair, cohort_panel(run))
            rows += measured_cell_rows(run, own, MEASURES)
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the aim is called, and what is said of the LLM's part."""
        return {
            "title": protocol_title(run, self.protocol),
            "retrain": run.label(RETRAIN),
            "note": scoring_note(run, self.rows(run, tables)),
        }

    def _cells(self, run: Run) -> list[Cell]:
        """Return what Table II shows, strategies that are scored alike, and the paper's with further candidates."""
        if not self.panel:
            return []
        cells: list[Cell] = []
        for cells_of in (plain_cells, shuffled_cells, strategy_cells):
            cells += cells_of(run, self.protocol)
        scoring = run.settings.scoring
        alike = (scoring.form, scoring.cohort)
        cells = [cell for cell in cells if (cell.form, cell.cohort) == alike]
        for model in self.candidates_of:
            for cell in compared_cells(run, self.protocol):
                cells.append(cell._replace(candidates_of=model))
        return list(dict.fromkeys(cells))

    def _models(self, run: Run, pair: tuple[str, str], panel: str) -> list[Row]:
        """Return models, and Retrain of the further trainings: how far chance alone goes."""
        models = list(dict.fromkeys([ORIGINAL, RETRAIN, *run.settings.methods]))
        rows = []
        for model in models:
            held = (panel, MEASURES, run.nulls(model))
            rows += measured_model_rows(run, self.protocol, pair, [model], *held)
        return rows
