"""What is behind a run: every file that its tables, figures and certificates were made from, held against manifests."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from cragru.core.errors import CragruError, Problem
from cragru.core.names import RESULTS, SOURCE_FILE
from cragru.kept.files import check_record
from cragru.kept.manifest import ENDING, Makers, difference, read_manifest
from cragru.llm.store import AnswerStore
from cragru.plan.places import CERTIFICATE_FILE

SOURCE = f"/{SOURCE_FILE}"
REMAKE = "make that from it again: `snakemake --cores all --forcerun {}`"  # an advice
Checksum = Callable[[str], str | None]


def shown_files(run: str, planned: Iterable[str]) -> list[str]:
    """Return the files of a run's tables and figures to start from.

    Args:
        run: The run's folder: what a manifest in it names was made, and must be there.
        planned: What the configuration shows; what of it is not there was not made yet.
    """
    made = {name for name in planned if Path(name).exists()}
    for manifest in sorted(Path(run).rglob(f"*{ENDING}")):
        made |= read_manifest(manifest)["outputs"].keys()
    return sorted(made)


class Behind:
    """Goes from files to what they were made from, by manifests, down to what was published.

    Attributes:
        wrong: What is wrong with each file that is not as its manifests tell.
        failed: What is wrong with manifests and stored answers.
        looked_at: The files.
        processors: The kinds of processors that they were made on; of each, one manifest.
    """

    def __init__(self, checksum: Checksum, purged: Collection[str] = ()) -> None:
        """Take what gives a file's SHA-256, or None where there is none, and the files that may be gone."""
        self.wrong: dict[str, Problem] = {}
        self.failed: list[Problem] = []
        self.looked_at: set[str] = set()
        self.processors: dict[str, str] = {}
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
                # people's own files are not under `results/`; a certificate has a seal
                own = (ENDING, SOURCE, f"/{CERTIFICATE_FILE}")
                is_made = name.startswith(f"{RESULTS}/") and not name.endswith(own)
                if is_made and not told:
                    self.wrong.setdefault(name, Problem("no manifest names it", place=name))
                for manifest, _ in told:
                    waiting += self._of_job(manifest)
            except CragruError as error:
                self.failed += error.problems

    def _of_job(self, manifest: str) -> list[str]:
        """Hold what a job read against what it tells of it; return all files that it names."""
        if manifest in self._read or manifest.endswith(SOURCE):
            return []
        self._read.add(manifest)
        record = read_manifest(manifest)
        if "processor" in record:
            self.processors.setdefault(record["processor"], manifest)
        for name, checksum in record["inputs"].items():
            self._compare(name, [(manifest, checksum)], next(iter(record["outputs"]), None))
        facts = record.get("facts") or {}
        if "answers" in facts:
            check_record(manifest, facts, {"answers": dict[str, str]})  # of an LLM
            for name, checksum in facts["answers"].items():
                self.looked_at.add(name)
                self._compare(name, [(manifest, checksum)])
                if name not in self.wrong:
                    self._read_answers(Path(name))
        return [*record["inputs"], *record["outputs"]]

    def _compare(
        self, name: str, told: Iterable[tuple[str, str]], reader: str | None = None
    ) -> None:
        """Hold a file against what manifests record; `reader` is a file whose job has read it."""
        got = self._checksum(name)
        differs = difference(got, told) if got else None
        if differs and reader and self._makers.fit(name, got):
            what, advice = f"made again since {reader} was made from it", REMAKE.format(reader)
            self.wrong.setdefault(name, Problem(what, place=name, advice=advice))
        elif differs:
            self.wrong.setdefault(name, Problem(f"altered: {differs}", place=name))
        elif not got and name not in self._purged:
            self.wrong.setdefault(name, Problem("missing", place=name))

    def _read_answers(self, path: Path) -> None:
        """Read an LLM's stored answers and what they took: the store checks their checksums."""
        try:
            AnswerStore(path.parent).answers(path.stem)
        except CragruError as error:
            self.failed += error.problems
