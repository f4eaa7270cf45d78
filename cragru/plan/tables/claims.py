"""Tables of the paper's headline claims, computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from cragru.config.types import Name
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
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
from cragru.plan.scoring import plain_cells
from cragru.plan.tables.base import (
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

if TYPE_CHECKING:
    from cragru.plan.project import Project

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

    def rows(self, project: Project) -> list[Row]:
        """What the claims are about, of the cohort: CRAGRU, its candidates, the original and Retrain."""
        protocol = project.tables.tables[self.utility].protocol
        cells = [cell for cell in plain_cells(project, protocol) if cell.candidates_of == ORIGINAL]
        rows = []
        for pair in pairs_of(project) if cells else []:
            models = [ORIGINAL, RETRAIN]
            own = model_rows(
                project, protocol, pair, models, cohort_panel(project), per_user=places.PER_USER
            )
            rows += [row.of_files(cost=None) for row in own]
            rows += [
                row for row in cragru_rows(project, cells, pair) if row.labels["method"] in CLAIMED
            ]
        return rows

    def words(self, project: Project) -> dict[str, Any]:
        """What the rows are called that claims are about, and what is said of the LLM's part."""
        return {
            "cragru": CRAGRU,
            "no_llm": NO_LLM,
            "original": project.label(ORIGINAL),
            "retrain": project.label(RETRAIN),
            "note": scoring_note(project, cells_of(self.rows(project))),
        }

    def tables(self) -> dict[str, str]:
        """The table of single requests."""
        return {"times": self.time}

    def problems(self, project: Project) -> Iterator[Problem]:
        """See `Shown`."""
        yield from unknown_cutoffs([self.cutoff], "cutoff")
        yield from wrong_table(
            project, "utility", self.utility, lambda table: isinstance(table, UtilityTable)
        )
        yield from wrong_table(
            project, "time", self.time, lambda table: isinstance(table, TimeTable)
        )

    def run_problems(self, project: Project, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        yield from lacks_retrain(project, f"{name} holds CRAGRU against; add it")
        yield from lacks_original(project, name)

    def entry_problems(self, project: Project, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        utility, time = (project.tables.tables.get(table) for table in (self.utility, self.time))
        if isinstance(utility, UtilityTable) and not utility.panel:
            yield "utility", f"{self.utility!r} has no panel of a cohort; set its key panel to true"
        if isinstance(time, TimeTable) and not time.cragru:
            yield "time", f"{self.time!r} has no row of CRAGRU; set its key cragru to true"
