"""Tables of what is still known of the forgotten rows ("Table IV"; the paper's RQ3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from cragru.config.models import Models
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan.rows import EVERYONE, Row, cells_of, cohort_panel, pairs_of
from cragru.plan.scoring import Cell, compared_cells, plain_cells, shuffled_cells, strategy_cells
from cragru.plan.tables.base import (
    AgainstReplicate,
    LeastUsers,
    Table,
)
from cragru.plan.tables.forgetting import measured_cell_rows, measured_model_rows
from cragru.plan.words import protocol_title, scoring_note

if TYPE_CHECKING:
    from cragru.plan.project import Project

MEASURES = ("membership", "completeness")  # what is read of a row


class CompletenessTable(AgainstReplicate, Table):
    """A table of what is still known of the forgotten rows ("Table IV"; the paper's RQ3)."""

    maker: ClassVar[str] = "cragru.reporting.completeness_table"

    kind: Literal["completeness"]
    panel: bool = Field(
        default=False,
        description="whether CRAGRU is shown, in a second panel of the cohort's users",
    )
    candidates_of: Models = Field(
        default=[],
        description="whose candidates CRAGRU is measured with beside retrieval.candidates_of: whole histories, on the "
        "backbones of scoring.compare_on. Retrain's hold nothing that was learnt from forgotten rows",
    )
    least_users: LeastUsers = 20

    def rows(self, project: Project) -> list[Row]:
        """Every model on all users, then, if the table has that panel, all rows on the cohort."""
        cells = self._cells(project)
        rows = []
        for pair in pairs_of(project):
            rows += self._models(project, pair, EVERYONE)
        for pair in pairs_of(project) if cells else []:
            own = [cell for cell in cells if cell.pair == pair]
            rows += self._models(project, pair, cohort_panel(project))
            rows += measured_cell_rows(project, own, self.replicate, MEASURES)
        return rows

    def words(self, project: Project) -> dict[str, Any]:
        """What the aim is called, and what is said of the LLM's part."""
        return {
            "title": protocol_title(project, self.protocol),
            "retrain": project.label(RETRAIN),
            "note": scoring_note(project, cells_of(self.rows(project))),
        }

    def _cells(self, project: Project) -> list[Cell]:
        """All that Tables II and Figure 4 show of CRAGRU, and the whole history with candidates of further models."""
        if not self.panel:
            return []
        cells = plain_cells(project, self.protocol) + shuffled_cells(project, self.protocol)
        cells += strategy_cells(project, self.protocol)
        for candidates_of in self.candidates_of:
            cells += [
                cell._replace(candidates_of=candidates_of)
                for cell in compared_cells(project, self.protocol)
            ]
        return list(dict.fromkeys(cells))

    def _models(self, project: Project, pair: tuple[str, str], panel: str) -> list[Row]:
        """Models against the second Retrain, and that one against Retrain: how far chance alone goes."""
        models = list(dict.fromkeys([ORIGINAL, RETRAIN, *project.settings.methods]))
        rows = measured_model_rows(
            project, self.protocol, pair, models, panel, self.replicate, MEASURES
        )
        return rows + measured_model_rows(
            project, self.protocol, pair, [self.replicate], panel, RETRAIN, MEASURES
        )
