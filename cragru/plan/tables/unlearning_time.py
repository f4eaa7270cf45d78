"""Tables of what single requests take (the paper's Table III)."""

from collections.abc import Iterator
from itertools import product
from typing import Any, ClassVar, Literal

from pydantic import Field

from cragru.core.errors import Problem
from cragru.core.names import RETRAIN
from cragru.evaluation.printed_columns import OF_TIMES
from cragru.plan import places
from cragru.plan.requests import served_cell, service_file
from cragru.plan.rows import CRAGRU, EVERYONE, Row, common_labels, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries, OfProtocol, PrintedTable
from cragru.plan.words import protocol_title, service_note
from cragru.written.printed import PrintedColumns

ADVICE = "name files of requests, or leave the table out"


class TimeTable(PrintedTable):
    """A table of what single requests take (the paper's Table III)."""

    maker: ClassVar[str] = "cragru.reporting.time_table"
    paper_columns: ClassVar[PrintedColumns] = OF_TIMES
    times: ClassVar[bool] = True

    kind: Literal["unlearning-time"]
    protocol: OfProtocol
    cragru: bool = Field(
        description="whether CRAGRU is shown: it answers each request with the run's LLM, if it has one"
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the run's methods and, if it shows it, CRAGRU, for every seed and request."""
        methods: list[str | None] = [*run.settings.methods]
        if self.cragru and run.settings.scoring.llm is not None:
            methods.append(None)
        requests = run.requests(self.protocol)
        rows = []
        grid = product(pairs_of(run), methods, run.settings.seeds)
        for (dataset, backbone), method, seed in grid:
            names = {"dataset": dataset, "protocol": self.protocol, "seed": seed}
            names["backbone"] = backbone
            rows += [_row(run, method, request, names) for request in requests]
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the protocol and Retrain are called, and what is said of the LLM's part."""
        return {
            "title": protocol_title(run, self.protocol),
            "retrain": run.label(RETRAIN),
            "note": service_note(run),
        }

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        known = run.protocols_that("split-first")
        if self.protocol not in known:
            yield Problem("no protocol of single requests", "protocol", self.protocol, known)
        elif self.cragru and run.protocols[self.protocol].in_turn:
            alone = [name for name in known if not run.protocols[name].in_turn]
            what = "no protocol of requests that CRAGRU serves, for its candidates are the deployed model's"
            yield Problem(what, "protocol", self.protocol, alone)

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        if self.protocol in run.protocols and not run.requests(self.protocol):
            yield Problem(f"empty, but {name} is of them", "requests.files", advice=ADVICE)


def _row(run: Run, method: str | None, request: str, names: dict[str, Any]) -> Row:
    """Return one row under one seed and request. No method stands for CRAGRU."""
    labels = common_labels(run, names["dataset"], names["backbone"], None)
    labels["request"] = request
    if method is not None:
        folder = places.place(places.REQUEST_METHOD, **names, request=request, method=method)
        labels |= {"method": run.label(method), "printed": run.paper_label(method)}
        labels["ready"] = EVERYONE
        files = {"cost": f"{folder}/{places.COST}", "check": None}
        return Row(**names, model=method, request=request, labels=labels, files=files)
    cell = served_cell(**names, llm=run.settings.scoring.llm)
    labels |= {"method": CRAGRU, "printed": CRAGRU, "ready": "the requester"}
    files = {
        "cost": service_file(cell, request, places.COST),
        "check": service_file(cell, request, places.PROOF),
    }
    return Row(**names, cell=cell, request=request, labels=labels, files=files)
