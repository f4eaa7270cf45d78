"""What is behind a run: every file that its tables, figures and certificates were made from, held against manifests."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path, PurePosixPath

from cragru.core.errors import CragruError
from cragru.core.names import RESULTS, SOURCE_FILE
from cragru.kept.files import check_record
from cragru.kept.manifest import ENDING, Makers, difference, read_manifest
from cragru.kept.shapes import Each
from cragru.llm.store import AnswerStore

ANSWERS = {"answers": Each(str)}  # facts of jobs that read an LLM's stored answers
Checksum = Callable[[str], str | None]


def shown_files(run: str, planned: Iterable[str]) -> list[str]:
    """The files of a run's tables and figures to start from.

    Args:
        run: The run's folder: what a manifest in it names was made, and must be there.
        planned: What the configuration shows; what of it is not there was not made yet.
    """
    made = {name for name in planned if Path(name).exists()}
    for manifest in sorted(Path(run).rglob(f"*{ENDING}")):
        made |= read_manifest(manifest)["outputs"].keys()
    return sorted(made)


class Behind:
    """Goes from files to what they were made from, by manifests, down to what was published."""

    def __init__(self, checksum: Checksum, purged: Collection[str] = ()) -> None:
        """Look at nothing yet.

        Args:
            checksum: The SHA-256 of a file, or None where there is none.
            purged: Files that may be gone.
        """
        self.wrong: dict[str, str] = {}  # file -> what is wrong with it
        self.failed: list[str] = []
        self.looked_at: set[str] = set()
        self._checksum, self._purged = checksum, purged
        self._makers = Makers()
        self._read: set[str] = set()

    def look(self, names: Iterable[str]) -> None:
        """Look at files and at everything behind them; `wrong` and `failed` tell."""
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self.looked_at:
                continue
            self.looked_at.add(name)
            try:
                told = self._makers.of(name)
                self._compare(name, told)
                self._expect_maker(name, told)
                for manifest, _ in told:
                    waiting += self._of_job(manifest)
            except CragruError as error:
                self._fail(str(error))

    def _of_job(self, manifest: str) -> list[str]:
        """Hold what a job read against what it tells of it; all files that it names."""
        if manifest in self._read or PurePosixPath(manifest).name == SOURCE_FILE:
            return []
        self._read.add(manifest)
        record = read_manifest(manifest)
        inputs, facts = record["inputs"], record.get("facts") or {}
        for name, checksum in inputs.items():
            self._compare(name, [(manifest, checksum)])
        if "answers" in facts:
            check_record(manifest, facts, ANSWERS)
            for name, checksum in facts["answers"].items():
                self.looked_at.add(name)
                self._compare(name, [(manifest, checksum)])
                self._check_stored(name)
        return [*inputs, *record["outputs"]]

    def _compare(self, name: str, told: Iterable[tuple[str, str]]) -> None:
        got = self._checksum(name)
        if got is None:
            if name not in self._purged:
                self.wrong.setdefault(name, "missing")
            return
        differs = difference(got, told)
        if differs:
            self.wrong.setdefault(name, f"altered: {differs}")

    def _check_stored(self, name: str) -> None:
        """Check an LLM's stored answers and what they took by the checksums in the store."""
        path = Path(name)
        if name in self.wrong or not path.is_file():
            return
        try:
            AnswerStore(path.parent).answers(path.stem)
        except CragruError as error:
            self._fail(str(error))

    def _expect_maker(self, name: str, told: Collection[tuple[str, str]]) -> None:
        """What is under `results/` was made by a job, so a manifest must name it; people's own files are elsewhere."""
        path = PurePosixPath(name)
        is_record = name.endswith(ENDING) or path.name == SOURCE_FILE
        if not told and path.parts[:1] == (RESULTS,) and not is_record:
            self.wrong.setdefault(name, "no manifest names it")

    def _fail(self, problem: str) -> None:
        if problem not in self.failed:
            self.failed.append(problem)
