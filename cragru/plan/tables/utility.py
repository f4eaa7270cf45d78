"""Tables of ranking quality (the paper's Table II): models on all users, then CRAGRU and models on the cohort."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.evaluation.printed_columns import OF_UTILITY
from cragru.plan import places
from cragru.plan.cells import plain_cells, scored_file, shuffled_cells
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
    OfProtocol,
    PrintedTable,
    lacks,
    not_forget_first,
    unknown_cutoffs,
    unknown_protocol,
)
from cragru.plan.words import protocol_title, scoring_note
from cragru.written.printed import PrintedColumns


class UtilityTable(PrintedTable):
    """A table of ranking quality (the paper's Table II)."""

    maker: ClassVar[str] = "cragru.reporting.utility_table"
    paper_columns: ClassVar[PrintedColumns] = OF_UTILITY

    kind: Literal["utility"]
    protocol: OfProtocol
    mask: Mask
    cutoffs: Cutoffs
    least_users: PositiveInt = Field(
        default=200, description="no bold or underline in a panel of fewer users"
    )
    panel: bool = Field(
        default=False,
        description="whether CRAGRU is shown, in a second panel of the cohort's users",
    )
    tested: bool = Field(
        default=True,
        description="whether differences are tested, with further trainings of what is trained; "
        "without tests nothing is marked",
    )

    @property
    def is_tested(self) -> bool:
        """See `Shown`."""
        return self.tested

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
        """Return its rows."""
        return without(self.rows(run, tables), "cost", "check") if self.tested else []

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what panels are held against, and what is said of the LLM's part."""
        return {
            "title": protocol_title(run, self.protocol),
            "note": scoring_note(run, self.rows(run, tables)),
            "references": {EVERYONE: run.label(RETRAIN), cohort_panel(run): CRAGRU},
            "retrain": run.label(RETRAIN),
        }

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from (not_forget_first if self.panel else unknown_protocol)(run, self.protocol)
        yield from unknown_cutoffs(self.cutoffs)

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        if self.tested:
            why, advice = (
                f"which {name} knows noise by",
                "add it, or set the table's key tested to false",
            )
            yield from lacks("methods", RETRAIN, run.settings.methods, why, advice)

    def _model_rows(
        self, run: Run, pair: tuple[str, str], models: list[str], panel: str
    ) -> list[Row]:
        trainings = run.settings.trainings if self.tested else 1
        files = {"trainings": trainings, "per_user": places.PER_USER}
        rows = model_rows(run, self.protocol, pair, models, panel, **files)
        return without(rows, "cost", "check")


def _with_proof(run: Run, row: Row) -> Row:
    """Return a row with the proof of its prompts and whose candidates they have, where an LLM ordered its lists."""
    if row.files["cost"] is None:
        return row.of_files(check=None)
    suffix = candidates_suffix(run, row.cell.candidates_of)
    group = f"{row.labels['backbone']}{suffix} on {row.labels['dataset']}"
    proof = scored_file(row.cell, places.PROOF) if row.cell.has_prompts else None
    return row.called(group=group).of_files(check=proof)
