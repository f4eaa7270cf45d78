"""What was purged stays purged: no rule makes a file again that a purge has deleted."""

import re
from functools import cached_property
from pathlib import Path, PurePosixPath

from cragru.core.errors import CragruError
from cragru.core.names import RESULTS
from cragru.core.place import spot
from cragru.kept.files import read_record
from cragru.plan.places import CERTIFICATES, PURGED_FILE, place
from cragru.plan.wildcards import Wildcards

RECORD = {"purged": dict[str, str]}
BACKUP = "put it back from a backup"  # an advice
RESTORE = "`snakemake --cores 1 restore` lets the purge go, and the workflow makes its files again"


class Purged:
    """The files that purges have deleted, of all runs in the results folder.

    Attributes:
        records: The record of each purge, by file: `purged.json` beside a certificate.
    """

    def __init__(self) -> None:
        """Read all records.

        Raises:
            CragruError: If one is damaged.
        """
        self.records: dict[str, Path] = {}
        pattern = f"{place(CERTIFICATES, run='*')}/**/{PURGED_FILE}".removeprefix(f"{RESULTS}/")
        for record in sorted(Path(RESULTS).glob(pattern)):
            for file in _read(record):
                self.records.setdefault(file, record)

    @cached_property
    def files(self) -> list[str]:
        """The purged files, and folders of them, that rules must not make."""
        found = dict.fromkeys(self.records)
        for file in self.records:
            for folder in PurePosixPath(file).parents:
                if not Path(folder).exists():
                    found[folder.as_posix()] = None
        return [file.removeprefix(f"{RESULTS}/") for file in found]

    def not_in(self, constraint: str) -> str:
        """Return a constraint of a path's first wildcard under `results/` that no path in a closed folder meets.

        A folder is closed if something in it was purged, and so is that of the purge's certificate: no rule makes what
        lies directly in it, so what is there counts as given, whatever code or parameters have changed since.
        """
        closed = {PurePosixPath(file).parent.as_posix() for file in self.records}
        closed |= {record.parent.as_posix() for record in self.records.values()}
        folders = [re.escape(folder.removeprefix(f"{RESULTS}/")) for folder in sorted(closed)]
        return f"(?!(?:{'|'.join(folders)})/[^/]+$)(?:{constraint})" if folders else constraint

    def refuse(self, wildcards: Wildcards) -> list[str]:
        """Refuse to make a purged file.

        Raises:
            CragruError: In any case.
        """
        file = f"{RESULTS}/{wildcards.purged}"
        record = self.records.get(file)
        by = f", as {spot(record)} records" if record else ""
        raise CragruError(f"purged{by}", place=file, advice=RESTORE)


def _read(record: Path) -> list[str]:
    """Return the files that a purge has deleted; never advise to delete its record, which would undo it."""
    try:
        return list(read_record(record, RECORD)["purged"])
    except CragruError as error:
        raise CragruError(
            "damaged, and it says what must stay purged", place=spot(record), advice=BACKUP
        ) from error
