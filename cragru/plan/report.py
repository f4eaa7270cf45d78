"""What stands on a run's page and lies in its package: its tables, figures and certificates, and their files."""

from pathlib import PurePosixPath
from typing import Any

from cragru.plan import places
from cragru.plan.certificates import Certificates
from cragru.plan.project import Project
from cragru.plan.showing import Showing
from cragru.plan.wildcards import Wildcards

ABOUT = ("LICENSE", "CITATION.cff")
FORMS = "cragru/reporting/pages"
PARTS = ("run", "style", "script", "articles", "facts")


class Report:
    """The page and the package of a run as their rules make them."""

    def __init__(self, project: Project, showing: Showing, certificates: Certificates) -> None:
        self._project, self._showing, self._certificates = project, showing, certificates

    def inputs(self, wildcards: Wildcards | None = None) -> list[str]:
        """Return the files that stand on it, and those that can be saved from it."""
        return [*self._showing.run_files(), *self._certificates.files(), *self._pages().values()]

    def templates(self, wildcards: Wildcards) -> list[str]:
        """Return the files that give the page its form."""
        return [self._project.file(f"{FORMS}/{name}.html") for name in PARTS]

    def shown(self, wildcards: Wildcards) -> dict[str, dict[str, Any]]:
        """Return the files of each table, figure and certificate by its name, as `scripts/report.py` takes them."""
        settings, figures = self._project.settings, self._project.figures.figures
        tables = {name: _by_ending(self._showing.table_files(name)) for name in settings.tables}
        drawn = {name: _by_ending(self._showing.figure_files(name)) for name in settings.figures}
        return {
            "tables": tables,
            "figures": {
                name: files | {"caption": figures[name].caption} for name, files in drawn.items()
            },
            "certificates": {
                _name_of(path): {"certificate": path, "page": page}
                for path, page in self._pages().items()
            },
        }

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return the run's configuration."""
        return self._project.settings.model_dump(mode="json")

    def file(self) -> str:
        """Return the page's file."""
        return places.place(places.REPORT, run=self._project.settings.run)

    def package(self) -> str:
        """Return the file of the run's package."""
        return places.place(places.PACKAGE, run=self._project.settings.run)

    def sources(self, wildcards: Wildcards) -> list[str]:
        """Return the files of the repository that a package holds: the configuration, licence and citation."""
        configuration = self._project.settings.files.model_dump(mode="json").values()
        return list(map(self._project.file, [*configuration, *ABOUT]))

    def _pages(self) -> dict[str, str]:
        """Return the page of each certificate."""
        return {
            path: str(PurePosixPath(path).with_name(places.PAGE_FILE))
            for path in self._certificates.files()
        }


def _by_ending(paths: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(PurePosixPath(path).suffix.removeprefix("."), []).append(path)
    return found


def _name_of(certificate: str) -> str:
    """Return what a certificate is called: the state or request that it is of."""
    steps = PurePosixPath(certificate).parts
    return "/".join(steps[steps.index("certificates") + 1 : -1])
