"""Tables of what a request costs CRAGRU, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cragru.config.types import Name
from cragru.plan import places
from cragru.plan.rows import Row, candidates_suffix, cells_of, common_labels
from cragru.plan.scoring import Cell, cell_file, plain_cells, strategy_cells
from cragru.plan.tables.base import Problem, Table, needing_llm, not_forget_first, unknown_protocol
from cragru.plan.words import scoring_note

if TYPE_CHECKING:
    from cragru.plan.project import Project


class CostTable(Table):
    """A table of what a request costs CRAGRU."""

    maker: ClassVar[str] = "cragru.reporting.cost_table"
    needs_llm: ClassVar[bool] = True

    kind: Literal["request-cost"]
    protocol: Name

    def rows(self, project: Project) -> list[Row]:
        """Every strategy on the backbones to compare on, and the whole history on all."""
        cells = strategy_cells(project, self.protocol) + plain_cells(project, self.protocol)
        if not cells:
            raise needing_llm()
        return [self._row(project, cell) for cell in dict.fromkeys(cells)]

    def words(self, project: Project) -> dict[str, Any]:
        """What is said of the LLM's part."""
        return {"note": scoring_note(project, cells_of(self.rows(project)))}

    def problems(self, project: Project) -> Iterator[Problem]:
        """See `Shown`."""
        yield from unknown_protocol(project, self.protocol)
        yield from not_forget_first(project, self.protocol)

    def _row(self, project: Project, cell: Cell) -> Row:
        labels = common_labels(project, cell.dataset, cell.backbone, None)
        strategy = project.params.strategies[cell.strategy].label
        labels["strategy"] = strategy + candidates_suffix(project, cell.candidates_of)
        files = {"cost": cell_file(project, cell, places.COST)}
        return Row(**cell.state, backbone=cell.backbone, cell=cell, labels=labels, files=files)
