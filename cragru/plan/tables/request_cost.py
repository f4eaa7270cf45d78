"""Tables of what a request costs CRAGRU, stage by stage."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from cragru.core.errors import Problem
from cragru.plan import places
from cragru.plan.cells import Cell, plain_cells, scored_file, strategy_cells
from cragru.plan.rows import Row, candidates_suffix, common_labels
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries, OfProtocol, Table, not_forget_first
from cragru.plan.words import scoring_note


class CostTable(Table):
    """A table of what a request costs CRAGRU."""

    maker: ClassVar[str] = "cragru.reporting.cost_table"
    needs_llm: ClassVar[bool] = True

    kind: Literal["request-cost"]
    protocol: OfProtocol

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return every strategy on the backbones to compare on, and the paper's on all, where prompts are answered."""
        cells = strategy_cells(run, self.protocol) + plain_cells(run, self.protocol)
        return [_row(run, cell) for cell in dict.fromkeys(cells) if cell.has_prompts]

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what is said of the LLM's part."""
        return {"note": scoring_note(run, self.rows(run, tables))}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from not_forget_first(run, self.protocol)


def _row(run: Run, cell: Cell) -> Row:
    strategy = run.strategy(cell.strategy).label
    labels = common_labels(run, cell.dataset, cell.backbone, None)
    labels["strategy"] = strategy + candidates_suffix(run, cell.candidates_of)
    files = {
        "cost": scored_file(cell, places.COST),
        "check": scored_file(cell, places.PROOF),
    }
    return Row(**cell.state, backbone=cell.backbone, cell=cell, labels=labels, files=files)
