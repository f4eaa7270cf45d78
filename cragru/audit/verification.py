"""Verifies certificates against the files: every one that was altered or is missing is named."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from cragru.audit.behind import Behind
from cragru.audit.certificate import FORMAT, Certificate, as_text, build_certificate, manifests_of
from cragru.audit.commitment import REMAKE, Key
from cragru.core.errors import CragruError, Problem
from cragru.core.place import PathLike, spot
from cragru.core.request import Request
from cragru.kept.files import check_record, read_json, read_record, sha256
from cragru.plan.places import CERTIFICATE_FILE, PURGED_FILE

NAMED = 8  # files that an error names at the most
BEHIND = "behind"
CERTIFICATE = {"commitment": {"key": str}}  # for all else its seal vouches
PURGED = {"certificate": str, "purged": dict[str, str]}
log = logging.getLogger(__name__)


def find_certificates(folder: PathLike) -> list[Path]:
    """Return all certificates of a run that are there, by the folder of its certificates."""
    return sorted(Path(folder).rglob(CERTIFICATE_FILE))


def missing_certificates(wanted: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each certificate that is not there, though the run's tables and figures want it."""
    for path in wanted:
        if not Path(path).is_file():
            yield Problem("no such certificate", place=path, advice="run the workflow again")


def read_certificate(path: Path, key: Key) -> Certificate:
    """Read a certificate that is as it was written.

    Raises:
        CragruError: If it is of another format or key, or was altered.
    """
    certificate = read_json(path)
    if not isinstance(certificate, dict) or certificate.get("format") != FORMAT:
        raise CragruError(f"no certificate of format {FORMAT}", place=spot(path), advice=REMAKE)
    check_record(path, certificate, CERTIFICATE)
    made_with = certificate["commitment"]["key"]
    if made_with != key.fingerprint:
        raise CragruError(f"made with the key {made_with}", place=spot(path), got=key.fingerprint)
    key.check_seal(certificate, path)
    return certificate


def read_purged(path: Path, certificate: Certificate, key: Key) -> dict[str, str]:
    """Return the files that were purged for the certificate at `path`, with commitments to them.

    Raises:
        CragruError: If their record was altered, or is of another certificate.
    """
    record = path.with_name(PURGED_FILE)
    if not record.exists():
        return {}
    purged = read_record(record, PURGED)
    key.check_seal(purged, record)
    if purged["certificate"] != certificate["seal"]:
        raise CragruError("not of the certificate here", place=spot(record), advice="delete it")
    return purged["purged"]


class Verifier:
    """Verifies certificates; a file that several of them name is read once.

    Attributes:
        verified: How many files are as they were, by the certificate that names them, or `BEHIND` the run.
    """

    def __init__(self, key: Key | None) -> None:
        """Verify nothing yet; the key is None where there is no certificate."""
        self.verified: dict[str, int] = {}
        self._key = key
        self._checksums: dict[str, str | None] = {}
        self._wrong: dict[str, Problem] = {}  # of each file
        self._failed: list[Problem] = []
        self._purged: set[str] = set()
        self._certified: set[str] = set()  # what certificates speak of

    def verify(self, path: Path) -> None:
        """Verify one certificate; `report` tells."""
        try:
            certificate = read_certificate(path, self._key)
            purged = read_purged(path, certificate, self._key)
            self._purged |= purged.keys()
            for artifact in certificate["artifacts"]:
                self._certified |= artifact["outputs"].keys()
            if self._is_as_certified(certificate["files"], purged):
                self._rebuild(path, certificate, purged)
        except CragruError as error:
            self._failed += error.problems

    def verify_behind(self, shown: Iterable[str]) -> None:
        """Verify what is behind a run's tables, figures and certificates that were verified; `report` tells."""
        behind = Behind(self._checksum, self._purged)
        behind.look(sorted({*shown, *self._certified}))
        self._wrong = behind.wrong | self._wrong
        self._failed += behind.failed
        if not behind.wrong and not behind.failed:
            count = self.verified[BEHIND] = len(behind.looked_at)
            log.info("verified %d files behind tables, figures and certificates", count)

    def fail(self, problems: Iterable[Problem]) -> None:
        """Have `report` tell of problems that others have found."""
        self._failed += problems

    def report(self) -> None:
        """Fail if anything was wrong.

        Raises:
            CragruError: With the names of files, in one line.
        """
        names = sorted(self._wrong)
        problems = [self._wrong[name] for name in names[:NAMED]]
        if len(names) > NAMED:
            problems.append(Problem(f"and {len(names) - NAMED} more files"))
        if problems:
            problems.append(Problem("delete each and make it again: `snakemake --cores all FILE`"))
        problems += self._failed
        if problems:
            raise CragruError.of(problems)

    def _is_as_certified(self, files: dict[str, str], purged: dict[str, str]) -> bool:
        """Hold files against their commitments; return whether all are as certified."""
        wrong: dict[str, Problem] = {}
        for name in files.keys() | purged.keys():
            checksum = self._checksum(name)
            if name in purged:
                if checksum is not None:
                    wrong[name] = Problem(
                        "purged, but there again", place=name, advice="run snakemake purge"
                    )
            elif checksum is None:
                wrong[name] = Problem("not as certified: missing", place=name)
            elif self._key.of_file(name, checksum) != files[name]:
                wrong[name] = Problem("not as certified: altered", place=name)
        self._wrong |= wrong
        return not wrong

    def _checksum(self, name: str) -> str | None:
        if name not in self._checksums:
            self._checksums[name] = sha256(name) if Path(name).is_file() else None
        return self._checksums[name]

    def _rebuild(self, path: Path, certificate: Certificate, purged: dict[str, str]) -> None:
        """Build a certificate again whose files are as certified; not where some are purged."""
        left = len(certificate["files"].keys() - purged.keys())
        if purged:
            log.info("verified %s: %d files purged, %d as certified", path, len(purged), left)
        else:
            request, manifests = Request.of(certificate["request"]), manifests_of(certificate)
            guarantees = certificate["guarantees"]
            try:
                rebuilt = build_certificate(request, manifests, guarantees, self._key)
            except CragruError as error:
                raise error.within(f"{path}: cannot be built again") from error
            if as_text(rebuilt).encode() != path.read_bytes():
                raise CragruError("differs when it is built again", place=spot(path), advice=REMAKE)
            log.info(
                "verified %s: %d interactions removed, %d checks, %d files as certified",
                path,
                certificate["commitment"]["interactions"],
                len(certificate["checks"]),
                left,
            )
        self.verified[spot(path)] = left
