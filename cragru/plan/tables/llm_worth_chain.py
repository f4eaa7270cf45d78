"""Figures of what an LLM is worth: the chain from a random order of the candidates to the best one."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from cragru.config.types import Name
from cragru.core.errors import Problem
from cragru.plan.rows import Row
from cragru.plan.run import Run
from cragru.plan.tables.base import Entries, Figure, wrong_table
from cragru.plan.tables.llm_worth import LlmWorthTable


class LlmWorthChain(Figure):
    """A figure of what an LLM is worth."""

    maker: ClassVar[str] = "cragru.reporting.llm_worth_figure"

    kind: Literal["llm-worth-chain"]
    table: Name = Field(description="the table of what an LLM is worth whose rows are drawn")

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the rows of its table."""
        return tables[self.table].rows(run, tables)

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return the words of its table."""
        return tables[self.table].words(run, tables)

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from wrong_table(tables, "table", self.table, LlmWorthTable)

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        if isinstance(tables.get(self.table), LlmWorthTable):
            yield from tables[self.table].run_problems(run, tables, self.table)
