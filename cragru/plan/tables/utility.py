"""Tables of ranking quality (the paper's Table II): models on all users, then CRAGRU and models on the cohort."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.config.types import Name
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.evaluation.printed_columns import OF_UTILITY
from cragru.plan import places
from cragru.plan.cells import cell_file, plain_cells, shuffled_cells
from cragru.plan.rows import (
    CRAGRU,
    EVERYONE,
    Row,
    candidates_suffix,
    cells_of,
    cohort_panel,
    cragru_rows,
    model_rows,
    pairs_of,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Cutoffs,
    Entries,
    Mask,
    PrintedTable,
    Problem,
    lacks_retrain,
    not_forget_first,
    replicate_in_run,
    unknown_cutoffs,
    unknown_protocol,
    wrong_replicate,
)
from cragru.plan.words import protocol_title, scoring_note
from cragru.written.printed import PrintedColumns


class UtilityTable(PrintedTable):
    """A table of ranking quality (the paper's Table II)."""

    maker: ClassVar[str] = "cragru.reporting.utility_table"
    paper_columns: ClassVar[PrintedColumns] = OF_UTILITY

    kind: Literal["utility"]
    protocol: Name
    mask: Mask
    cutoffs: Cutoffs
    least_users: PositiveInt = Field(
        default=200, description="no bold or underline in a panel of fewer users"
    )
    panel: bool = Field(
        default=False,
        description="whether CRAGRU is shown, in a second panel of the cohort's users",
    )
    replicate: Name | None = Field(
        default=None,
        description="the method that is Retrain with other random streams: differences stand beside its own from "
        "Retrain; null: no tests of differences",
    )

    @property
    def is_tested(self) -> bool:
        """See `Shown`."""
        return self.replicate is not None

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Every model on all users; then, with a panel of the cohort, these and CRAGRU with its controls on it."""
        models = [ORIGINAL, *run.settings.methods]
        cells = []
        if self.panel:
            cells = plain_cells(run, self.protocol) + shuffled_cells(run, self.protocol)
        rows = []
        for pair in pairs_of(run):
            rows += self._model_rows(run, pair, models, EVERYONE)
        for pair in pairs_of(run) if cells else []:
            rows += self._model_rows(run, pair, models, cohort_panel(run))
            rows += [_with_proof(run, row) for row in cragru_rows(run, cells, pair)]
        return rows

    def tested_rows(self, run: Run, tables: Entries) -> list[Row]:
        """Its rows and, in each panel, Retrain with other random streams: what noise alone does."""
        if self.replicate is None:
            return []
        rows = [row.of_files(cost=None, check=None) for row in self.rows(run, tables)]
        for panel in dict.fromkeys(row.labels["panel"] for row in rows):
            for pair in pairs_of(run):
                rows += self._model_rows(run, pair, [self.replicate], panel)
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """What panels are held against, and what is said of the LLM's part."""
        words = {
            "title": protocol_title(run, self.protocol),
            "note": scoring_note(run, cells_of(self.rows(run, tables))),
            "references": {EVERYONE: run.label(RETRAIN), cohort_panel(run): CRAGRU},
        }
        null = [] if self.replicate is None else [run.label(RETRAIN), run.label(self.replicate)]
        return words | {"null": null}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from super().problems(run, tables)
        yield from unknown_protocol(run, self.protocol)
        yield from unknown_cutoffs(self.cutoffs)
        if self.replicate is not None:
            yield from wrong_replicate(run, self.replicate)
        if self.panel:
            yield from not_forget_first(run, self.protocol)

    def run_problems(self, run: Run, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        yield from replicate_in_run(run, name, self.replicate)
        if self.replicate is not None:
            yield from lacks_retrain(
                run, f"{name} tells noise by; add it, or remove the table's key replicate"
            )

    def _model_rows(
        self, run: Run, pair: tuple[str, str], models: list[str], panel: str
    ) -> list[Row]:
        rows = model_rows(run, self.protocol, pair, models, panel, per_user=places.PER_USER)
        return [row.of_files(cost=None, check=None) for row in rows]


def _with_proof(run: Run, row: Row) -> Row:
    """A row with the proof of its prompts and whose candidates they have, where it is what an LLM ordered."""
    if row.files["cost"] is None:
        return row.of_files(check=None)
    backbone, dataset = row.labels["backbone"], row.labels["dataset"]
    group = f"{backbone}{candidates_suffix(run, row.cell.candidates_of)} on {dataset}"
    return row.called(group=group).of_files(check=cell_file(run, row.cell, places.PROOF))
