"""What the rules of tables, figures and tests of differences depend on."""

from typing import Any

from cragru.core.errors import CragruError
from cragru.plan import places
from cragru.plan.project import Project
from cragru.plan.rows import Row, row_files
from cragru.plan.tables.base import Shown
from cragru.plan.wildcards import Wildcards
from cragru.rerun.digest import code_digest


class Showing:
    """Tables and figures as rules make them: their files, what they are made of, and what their makers are told."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._run = project.settings.run
        self._tables = project.tables.tables
        self.tested = [name for name, table in project.tables.tables.items() if table.is_tested]

    def table_files(self, name: str) -> list[str]:
        """The files of a table: its own, and the tests of its differences where it has such."""
        templates = [*places.ended(places.TABLE, places.TABLE_ENDINGS).values()]
        if name in self.tested:
            templates.append(places.DIFFERENCES)
        return [places.place(template, run=self._run, table=name) for template in templates]

    def figure_files(self, name: str) -> list[str]:
        """The files of a figure."""
        templates = places.ended(places.FIGURE, places.FIGURE_ENDINGS).values()
        return [places.place(template, run=self._run, figure=name) for template in templates]

    def run_files(self) -> list[str]:
        """The files of the run's tables and figures."""
        found = []
        for name in self._project.settings.tables:
            found += self.table_files(name)
        for name in self._project.settings.figures:
            found += self.figure_files(name)
        return found

    def inputs(self, wildcards: Wildcards) -> dict[str, Any]:
        """What a table or figure is made of: the files of its rows, and the tables that it takes numbers from."""
        name, entry = self._entry(wildcards)
        found: dict[str, Any] = {"rows": row_files(self._rows(name, entry))}
        for key, table in entry.tables().items():
            found[key] = places.place(f"{places.TABLE}.csv", run=self._run, table=table)
        if entry.printed_values is not None:
            found["paper"] = self._project.file(entry.printed_values)
        if entry.is_tested:
            found["tests"] = places.place(places.DIFFERENCES, run=self._run, table=name)
        return found

    def rows(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """Its rows, as its maker reads them."""
        return [row.param() for row in self._rows(*self._entry(wildcards))]

    def tested_files(self, wildcards: Wildcards) -> list[str]:
        """The files of the rows whose differences are tested."""
        _, entry = self._entry(wildcards)
        return row_files(entry.tested_rows(self._project, self._tables))

    def tested_rows(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """These rows, as the tests read them."""
        _, entry = self._entry(wildcards)
        return [row.param() for row in entry.tested_rows(self._project, self._tables)]

    def spec(self, wildcards: Wildcards) -> dict[str, Any]:
        """The entry, for whose every word a table or figure is made anew."""
        return self._entry(wildcards)[1].model_dump(mode="json")

    def tested_spec(self, wildcards: Wildcards) -> dict[str, Any]:
        """What of the entry the tests of differences are made anew for: no caption."""
        return self._entry(wildcards)[1].model_dump(mode="json", include={"mask", "cutoffs"})

    def words(self, wildcards: Wildcards) -> dict[str, Any]:
        """What captions and notes call things."""
        return self._entry(wildcards)[1].words(self._project, self._tables)

    def tested_words(self, wildcards: Wildcards) -> dict[str, Any]:
        """What of these words the tests of differences need."""
        words = self.words(wildcards)
        return {name: words[name] for name in ("null", "references")}

    def maker(self, wildcards: Wildcards) -> str:
        """The module that makes it."""
        return self._entry(wildcards)[1].maker

    def code(self, script: str) -> Any:
        """A function that digests a script with the module that makes the table or figure."""
        return lambda wildcards: code_digest(script, self.maker(wildcards))

    def _rows(self, name: str, entry: Shown) -> list[Row]:
        """The rows of a table or figure that a target asks for, whether the run shows it or not."""
        try:
            return entry.rows(self._project, self._tables)
        except CragruError as error:
            raise CragruError(f"{name}: {error}") from error

    def _entry(self, wildcards: Wildcards) -> tuple[str, Shown]:
        """The table or figure that is asked for: its name and its entry."""
        table = wildcards.get("table")
        if table is not None:
            return table, self._project.tables.tables[table]
        return wildcards.figure, self._project.figures.figures[wildcards.figure]
