"""Tables of what single requests take (the paper's Table III)."""

from collections.abc import Iterator
from itertools import product
from typing import Any, ClassVar, Literal

from pydantic import Field

from cragru.config.types import Name
from cragru.core.errors import CragruError
from cragru.evaluation.printed_columns import OF_TIMES
from cragru.plan import places
from cragru.plan.requests import served_cell, service_file
from cragru.plan.rows import CRAGRU, EVERYONE, Row, common_labels, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries, PrintedTable, Problem, unknown_protocol
from cragru.plan.words import protocol_title, service_note
from cragru.written.printed import PrintedColumns


class TimeTable(PrintedTable):
    """A table of what single requests take (the paper's Table III)."""

    maker: ClassVar[str] = "cragru.reporting.time_table"
    paper_columns: ClassVar[PrintedColumns] = OF_TIMES

    kind: Literal["unlearning-time"]
    protocol: Name
    cragru: bool = Field(
        description="whether CRAGRU is shown: it answers each request with the run's LLM, if it has one"
    )

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """The run's methods and, if it shows it, CRAGRU, for every seed and request."""
        settings = run.settings
        requests = run.requests(self.protocol)
        if not requests:
            raise CragruError(
                f"the protocol {self.protocol} has no requests; name files in the config key requests.files, or leave "
                "the table out"
            )
        shows_cragru = self.cragru and settings.scoring.llm is not None
        methods = [*settings.methods, *([None] if shows_cragru else [])]
        rows = []
        for (dataset, backbone), method, seed in product(pairs_of(run), methods, settings.seeds):
            names = {
                "dataset": dataset,
                "protocol": self.protocol,
                "seed": seed,
                "backbone": backbone,
            }
            rows += [_row(run, method, request, names) for request in requests]
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """What the protocol is called, and what is said of the LLM's part."""
        return {"title": protocol_title(run, self.protocol), "note": service_note(run)}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from super().problems(run, tables)
        yield from unknown_protocol(run, self.protocol)
        if self.protocol in run.protocols and run.protocols[self.protocol].order == "forget-first":
            yield (
                "protocol",
                f"got {self.protocol!r}, which has no single requests; take one-user or from-file",
            )

    def run_problems(self, run: Run, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        if self.protocol in run.protocols and not run.requests(self.protocol):
            yield (
                "requests.files",
                f"empty, but {name} is of requests from files; name one, or leave the table out",
            )


def _row(run: Run, method: str | None, request: str, names: dict[str, Any]) -> Row:
    """One row under one seed and request. No method stands for CRAGRU."""
    labels = common_labels(run, names["dataset"], names["backbone"], None) | {"request": request}
    if method is not None:
        folder = places.place(places.REQUEST_METHOD, **names, request=request, method=method)
        labels |= {
            "method": run.label(method),
            "printed": run.paper_label(method),
            "ready": EVERYONE,
        }
        files = {"cost": f"{folder}/{places.COST}", "check": None}
        return Row(**names, model=method, request=request, labels=labels, files=files)
    cell, llm = served_cell(**names), run.settings.scoring.llm
    labels |= {"method": CRAGRU, "printed": CRAGRU, "ready": "the requester"}
    files = {
        "cost": service_file(cell, request, llm, places.COST),
        "check": service_file(cell, request, llm, places.PROOF),
    }
    return Row(**names, cell=cell, request=request, labels=labels, files=files)
