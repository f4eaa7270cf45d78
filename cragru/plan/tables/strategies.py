"""Figures that compare retrieval strategies (the paper's Figure 4)."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from cragru.config.types import VariantName, distinct
from cragru.core.errors import Problem
from cragru.plan import places
from cragru.plan.cells import RANDOM_STRATEGY, Cell, strategy_cells
from cragru.plan.rows import (
    NO_LLM,
    Row,
    candidates_suffix,
    cell_row,
    model_rows,
    panel_of,
    without,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Cutoffs,
    Entries,
    Figure,
    Mask,
    OfProtocol,
    not_forget_first,
    unknown_cutoffs,
    unknown_names,
)
from cragru.plan.words import scoring_note


class StrategiesFigure(Figure):
    """A figure that compares retrieval strategies (the paper's Figure 4)."""

    maker: ClassVar[str] = "cragru.reporting.strategies_figure"
    needs_llm: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    kind: Literal["strategies"]
    protocol: OfProtocol
    mask: Mask
    cutoffs: Cutoffs
    rivals: Annotated[list[VariantName], AfterValidator(distinct)] = Field(
        default=[],
        description="methods to stand beside, by their names in params.yaml; those that the run has are drawn",
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the backbone alone, each strategy, and the rivals that the run has.

        Bars of one training and one list of candidates are held against each other, by labels. Rivals are not: they
        come from another training.
        """
        cells = strategy_cells(run, self.protocol)
        files = {"per_user": places.PER_USER}
        rivals = [name for name in self.rivals if name in run.settings.methods]
        rows = []
        for pair, group in groupby(cells, attrgetter("pair")):
            own = list(group)
            panel = panel_of(own[0].cohort)
            alone = [cell for cell in own if cell.strategy == own[0].strategy]
            for cell in alone:
                row = cell_row(run, cell, NO_LLM, per_user=places.PER_USER_NO_LLM)
                rows.append(row.called(no_llm=None, random=None))
            for cell in own:
                row = cell_row(run, cell, run.strategy(cell.strategy).label, **files)
                rows.append(row.called(**self._held_against(run, cell)))
            models = model_rows(run, self.protocol, pair, rivals, panel, **files)
            rows += [row.called(no_llm=None, random=None) for row in models]
        return without(rows, "cost")

    def _held_against(self, run: Run, cell: Cell) -> dict[str, str | None]:
        """Return the labels of the bars with the same candidates that a strategy is held against."""
        suffix, random = candidates_suffix(run, cell.candidates_of), None
        if (
            cell.strategy != RANDOM_STRATEGY
            and RANDOM_STRATEGY in run.settings.retrieval.strategies
        ):
            random = run.strategy(RANDOM_STRATEGY).label + suffix
        return {"no_llm": NO_LLM + suffix, "random": random}

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what is said of the LLM's part."""
        return {"note": scoring_note(run, self.rows(run, tables))}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from not_forget_first(run, self.protocol)
        yield from unknown_cutoffs(self.cutoffs)
        yield from unknown_names("rivals", self.rivals, run.params.methods)
