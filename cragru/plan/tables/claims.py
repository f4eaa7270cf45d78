"""Tables of the paper's headline claims, computed."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.config.types import Name
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.cells import plain_cells
from cragru.plan.rows import (
    CRAGRU,
    NO_LLM,
    Row,
    cells_of,
    cohort_panel,
    cragru_rows,
    model_rows,
    pairs_of,
)
from cragru.plan.run import Run
from cragru.plan.tables.base import (
    Entries,
    LeastUsers,
    Problem,
    Table,
    lacks_original,
    lacks_retrain,
    unknown_cutoffs,
    wrong_table,
)
from cragru.plan.tables.unlearning_time import TimeTable
from cragru.plan.tables.utility import UtilityTable
from cragru.plan.words import scoring_note

CLAIMED = {CRAGRU, NO_LLM}  # rows of CRAGRU that a claim is about: no other control


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
        """What the claims are about, of the cohort: CRAGRU, its candidates, the original and Retrain."""
        protocol = tables[self.utility].protocol
        cells = [cell for cell in plain_cells(run, protocol) if cell.candidates_of == ORIGINAL]
        rows = []
        for pair in pairs_of(run) if cells else []:
            models = [ORIGINAL, RETRAIN]
            own = model_rows(
                run, protocol, pair, models, cohort_panel(run), per_user=places.PER_USER
            )
            rows += [row.of_files(cost=None) for row in own]
            rows += [
                row for row in cragru_rows(run, cells, pair) if row.labels["method"] in CLAIMED
            ]
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """What the rows are called that claims are about, and what is said of the LLM's part."""
        return {
            "cragru": CRAGRU,
            "no_llm": NO_LLM,
            "original": run.label(ORIGINAL),
            "retrain": run.label(RETRAIN),
            "note": scoring_note(run, cells_of(self.rows(run, tables))),
        }

    def tables(self) -> dict[str, str]:
        """The table of single requests."""
        return {"times": self.time}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from unknown_cutoffs([self.cutoff], "cutoff")
        yield from wrong_table(
            tables, "utility", self.utility, lambda table: isinstance(table, UtilityTable)
        )
        yield from wrong_table(
            tables, "time", self.time, lambda table: isinstance(table, TimeTable)
        )

    def run_problems(self, run: Run, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        yield from lacks_retrain(run, f"{name} holds CRAGRU against; add it")
        yield from lacks_original(run, name)

    def entry_problems(self, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        utility, time = (tables.get(table) for table in (self.utility, self.time))
        if isinstance(utility, UtilityTable) and not utility.panel:
            yield "utility", f"{self.utility!r} has no panel of a cohort; set its key panel to true"
        if isinstance(time, TimeTable) and not time.cragru:
            yield "time", f"{self.time!r} has no row of CRAGRU; set its key cragru to true"
