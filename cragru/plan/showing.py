"""What the rules of tables, figures and tests of differences depend on."""

from typing import Any

from cragru.core.errors import CragruError
from cragru.plan import places
from cragru.plan.project import Project
from cragru.plan.rows import Row, row_files, row_params
from cragru.plan.tables.base import Shown
from cragru.plan.wildcards import Wildcards
from cragru.rerun.digest import code_digest

ADVICE = "it may need scoring.llm and scoring.compare_on, or requests.files"


class Showing:
    """Tables and figures as rules make them: their files, what they are made of, and what their makers are told."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._run, self._tables = project.settings.run, project.tables.tables
        self.tested = [name for name, table in self._tables.items() if table.is_tested]

    def table_files(self, name: str) -> list[str]:
        """Return the files of a table: its own, and the tests of its differences where it has such."""
        templates = list(places.ended(places.TABLE, places.TABLE_ENDINGS).values())
        if name in self.tested:
            templates.append(places.DIFFERENCES)
        return places.filled(templates, run=self._run, table=name)

    def figure_files(self, name: str) -> list[str]:
        """Return the files of a figure."""
        templates = places.ended(places.FIGURE, places.FIGURE_ENDINGS).values()
        return places.filled(templates, run=self._run, figure=name)

    def run_files(self) -> list[str]:
        """Return the files of the run's tables and figures."""
        found = []
        for name in self._project.settings.tables:
            found += self.table_files(name)
        for name in self._project.settings.figures:
            found += self.figure_files(name)
        return found

    def inputs(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what a table or figure is made of: files of its rows, and tables that it takes numbers from."""
        entry = self._entry(wildcards)
        files = row_files(self._rows(wildcards))
        found: dict[str, Any] = {"rows": files}
        for key, table in entry.tables().items():
            found[key] = places.place(f"{places.TABLE}.csv", run=self._run, table=table)
        if entry.printed_values is not None:
            found["paper"] = self._project.file(entry.printed_values)
        if entry.is_tested:
            names = dict(wildcards.items())
            found["tests"] = places.place(places.DIFFERENCES, **names)
        return found

    def rows(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """Return its rows, as its maker reads them."""
        return row_params(self._rows(wildcards))

    def tested_files(self, wildcards: Wildcards) -> list[str]:
        """Return the files of the rows whose differences are tested."""
        return row_files(self._tested_rows(wildcards))

    def tested_rows(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """Return these rows, as the tests read them."""
        return row_params(self._tested_rows(wildcards))

    def spec(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return the entry, for whose every word a table or figure is made anew."""
        return self._entry(wildcards).model_dump(mode="json")

    def tested_spec(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what of the entry the tests of differences are made anew for: no caption."""
        return self._entry(wildcards).model_dump(mode="json", include={"mask", "cutoffs"})

    def words(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what captions and notes call things."""
        return self._entry(wildcards).words(self._project, self._tables)

    def tested_words(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what of these words the tests of differences need."""
        words = self.words(wildcards)
        return {name: words[name] for name in ("retrain", "references")}

    def maker(self, wildcards: Wildcards) -> str:
        """Return the module that makes it."""
        return self._entry(wildcards).maker

    def code(self, script: str) -> Any:
        """Return a function that digests a script with the module that makes the table or figure."""
        return lambda wildcards: code_digest(script, self.maker(wildcards))

    def _rows(self, wildcards: Wildcards) -> list[Row]:
        """Return the rows of a table or figure that a target asks for, whether the run shows it or not."""
        rows = self._entry(wildcards).rows(self._project, self._tables)
        if not rows:
            name = wildcards.get("table") or wildcards.figure
            raise CragruError("the run has no row of it", place=name, advice=ADVICE)
        return rows

    def _tested_rows(self, wildcards: Wildcards) -> list[Row]:
        return self._entry(wildcards).tested_rows(self._project, self._tables)

    def _entry(self, wildcards: Wildcards) -> Shown:
        """Return the entry of the table or figure that is asked for."""
        table = wildcards.get("table")
        if table is None:
            return self._project.figures.figures[wildcards.figure]
        return self._tables[table]
