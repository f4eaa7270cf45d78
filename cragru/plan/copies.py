"""Copies of data that no publisher offers any more: a cache must know one from another, for their entry does not."""

import os
from pathlib import Path

from cragru.config.datasets import RawFiles
from cragru.core.errors import CragruError
from cragru.core.names import SOURCE_FILE
from cragru.data.download import copied_files
from cragru.kept.files import read_record, sha256
from cragru.plan import places
from cragru.plan.project import Project
from cragru.written.paths import located

DATA_VARIABLE = "CRAGRU_DATA_DIR"
RECORD = {"members": dict[str, str]}


class Copies:
    """The copies that a run reads."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def named(self) -> Path | None:
        """Return the place of the data that the variable names, or else the configuration; None where neither does.

        Raises:
            CragruError: If that is no path.
        """
        named = os.environ.get(DATA_VARIABLE) or self._project.settings.data_dir
        return located(named, "data_dir", self._project.root) if named else None

    def check(self, dataset: str) -> None:
        """Check that a data set's files are here, or in the copy that is named.

        Raises:
            CragruError: If they are in neither.
        """
        if not _record(dataset).is_file():
            copied_files(self._entry(dataset), dataset, self.named())

    def checksums(self, dataset: str) -> dict[str, str] | None:
        """Return the SHA-256 of each file that is here, or that will be copied; nothing where there is none.

        Returns:
            The checksums by name; None for a data set whose entry has them, or says where its files are.
        """
        entry = self._entry(dataset)
        if not entry.copies:
            return None
        try:
            if _record(dataset).is_file():
                return read_record(_record(dataset), RECORD)["members"]
            _, files = copied_files(entry, dataset, self.named())
        except CragruError:  # the job tells it
            return {}
        return {file.name: known or sha256(file) for file, known in files.items()}

    def _entry(self, dataset: str) -> RawFiles:
        return self._project.registry.datasets[dataset].raw_files


def _record(dataset: str) -> Path:
    return Path(places.place(places.RAW, dataset=dataset), SOURCE_FILE)
