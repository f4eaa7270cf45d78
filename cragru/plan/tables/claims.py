"""Tables of the paper's headline claims, computed."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.config.types import Name
from cragru.core.errors import Problem
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.cells import plain_cells
from cragru.plan.rows import (
    CRAGRU,
    NO_LLM,
    Row,
    cohort_panel,
    cragru_rows,
    model_rows,
    pairs_of,
    without,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Entries,
    LeastUsers,
    Table,
    lacks,
    unknown_cutoffs,
    wrong_table,
)
from cragru.plan.tables.unlearning_time import TimeTable
from cragru.plan.tables.utility import UtilityTable
from cragru.plan.words import scoring_note

CLAIMED = (CRAGRU, NO_LLM)  # rows of CRAGRU that a claim is about: no other control


class ClaimsTable(Table):
    """A table of the paper's headline claims, computed."""

    maker: ClassVar[str] = "cragru.reporting.claims_table"
    needs_llm: ClassVar[bool] = True

    kind: Literal["claims"]
    utility: Name = Field(
        description="the table of ranking quality that they are taken from; it has a cohort's panel"
    )
    time: Name = Field(
        description="the table of single requests that they are taken from; it has CRAGRU"
    )
    cutoff: PositiveInt = Field(description="K of NDCG@K")
    least_users: LeastUsers = 20

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return what the claims are about, of the cohort: CRAGRU, its candidates, the original and Retrain."""
        protocol, panel = tables[self.utility].protocol, cohort_panel(run)
        models, files = [ORIGINAL, RETRAIN], {"per_user": places.PER_USER}
        cells = [cell for cell in plain_cells(run, protocol) if cell.candidates_of == ORIGINAL]
        rows = []
        for pair in pairs_of(run) if cells else []:
            own = model_rows(run, protocol, pair, models, panel, **files)
            rows += without(own, "cost")
            own = cragru_rows(run, cells, pair)
            rows += [row for row in own if row.labels["method"] in CLAIMED]
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the rows are called that claims are about, and what is said of the LLM's part."""
        return {
            "cragru": CRAGRU,
            "no_llm": NO_LLM,
            "original": run.label(ORIGINAL),
            "retrain": run.label(RETRAIN),
            "note": scoring_note(run, self.rows(run, tables)),
        }

    def tables(self) -> dict[str, str]:
        """Return the table of single requests."""
        return {"times": self.time}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from unknown_cutoffs([self.cutoff], "cutoff")
        yield from wrong_table(tables, "utility", self.utility, UtilityTable)
        yield from wrong_table(tables, "time", self.time, TimeTable)

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        methods, models = run.settings.methods, run.settings.retrieval.candidates_of
        yield from lacks("methods", RETRAIN, methods, f"which {name} holds CRAGRU against")
        yield from lacks("retrieval.candidates_of", ORIGINAL, models, f"which {name} takes")
        file = run.settings.files.tables
        for key, other, wanted in ("utility", self.utility, "panel"), ("time", self.time, "cragru"):
            if getattr(tables.get(other), wanted, None) is False:
                place, advice = f"{file}: tables.{name}.{key}", f"set its key {wanted} to true"
                yield Problem("has no row of CRAGRU", place, other, advice=advice)
