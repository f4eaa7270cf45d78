"""Tables of ranking quality (the paper's Table II): models on all users, then CRAGRU and models on the cohort."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.config.types import Name, VariantName
from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.evaluation.printed_columns import OF_UTILITY
from cragru.plan import places
from cragru.plan.cells import cell_file, plain_cells, shuffled_cells
from cragru.plan.rows import (
    CRAGRU,
    EVERYONE,
    Row,
    candidates_suffix,
    cohort_panel,
    cragru_rows,
    model_rows,
    pairs_of,
    without,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Cutoffs,
    Entries,
    Mask,
    PrintedTable,
    lacks,
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
    replicate: VariantName | None = Field(
        default=None,
        description="the method that is Retrain with other random streams: differences stand beside its own from "
        "Retrain; null: no tests of differences",
    )

    @property
    def is_tested(self) -> bool:
        """See `Shown`."""
        return self.replicate is not None

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return every model on all users; then, with a panel, these and CRAGRU with its controls on the cohort."""
        models = [ORIGINAL, *run.settings.methods]
        cells = []
        if self.panel:
            cells = plain_cells(run, self.protocol) + shuffled_cells(run, self.protocol)
        rows = []
        for pair in pairs_of(run):
            rows += self._model_rows(run, pair, models, EVERYONE)
        for pair in pairs_of(run) if cells else []:
            rows += self._model_rows(run, pair, models, cohort_panel(run))
            for row in cragru_rows(run, cells, pair):
                rows.append(_with_proof(run, row))
        return rows

    def tested_rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return its rows and, in each panel, Retrain with other random streams: what noise alone does."""
        if self.replicate is None:
            return []
        rows = without(self.rows(run, tables), "cost", "check")
        for panel in dict.fromkeys(row.labels["panel"] for row in rows):
            for pair in pairs_of(run):
                rows += self._model_rows(run, pair, [self.replicate], panel)
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what panels are held against, and what is said of the LLM's part."""
        null = [] if self.replicate is None else [RETRAIN, self.replicate]
        return {
            "title": protocol_title(run, self.protocol),
            "note": scoring_note(run, self.rows(run, tables)),
            "references": {EVERYONE: run.label(RETRAIN), cohort_panel(run): CRAGRU},
            "null": list(map(run.label, null)),
        }

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from (not_forget_first if self.panel else unknown_protocol)(run, self.protocol)
        yield from unknown_cutoffs(self.cutoffs)
        if self.replicate is not None:
            yield from wrong_replicate(run, self.replicate)

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        yield from replicate_in_run(run, name, self.replicate)
        if self.replicate is not None:
            why, advice = f"which {name} tells noise by", "add it, or remove the key replicate"
            yield from lacks("methods", RETRAIN, run.settings.methods, why, advice)

    def _model_rows(
        self, run: Run, pair: tuple[str, str], models: list[str], panel: str
    ) -> list[Row]:
        rows = model_rows(run, self.protocol, pair, models, panel, per_user=places.PER_USER)
        return without(rows, "cost", "check")


def _with_proof(run: Run, row: Row) -> Row:
    """Return a row with the proof of its prompts and whose candidates they have, where an LLM ordered its lists."""
    if row.files["cost"] is None:
        return row.of_files(check=None)
    suffix = candidates_suffix(run, row.cell.candidates_of)
    group = f"{row.labels['backbone']}{suffix} on {row.labels['dataset']}"
    proof = cell_file(run, row.cell, places.PROOF)
    return row.called(group=group).of_files(check=proof)
