"""Verifies certificates against the files: every one that was altered or is missing is named."""

import logging
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from cragru.audit.behind import Behind
from cragru.audit.certificate import FORMAT, Certificate, as_text, build_certificate, manifests_of
from cragru.audit.commitment import REMAKE, Key
from cragru.audit.page import page_of
from cragru.audit.returned import returned_rows
from cragru.core.errors import CragruError, Problem
from cragru.core.place import PathLike, spot
from cragru.core.request import Request
from cragru.kept.files import check_record, read_json, read_record, sha256
from cragru.kept.manifest import Makers
from cragru.plan.places import CERTIFICATE_FILE, PAGE_FILE, PURGED_FILE

NAMED = 8  # files that an error names at the most
BEHIND = "behind"
CERTIFICATE = {"commitment": {"key": str}}  # for all else its seal vouches
PURGED = {"certificate": str, "date": str, "purged": dict[str, str]}
PURGE_AGAIN = "run `snakemake --cores 1 purge`"  # an advice
CERTIFY_AGAIN = "delete the certificate, and run the workflow again"  # an advice
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


def read_purged(path: Path, certificate: Certificate, key: Key) -> dict[str, Any] | None:
    """Return the record of what was purged for the certificate at `path`; None where nothing was.

    Raises:
        CragruError: If the record was altered, or is of another certificate.
    """
    record = path.with_name(PURGED_FILE)
    if not record.exists():
        return None
    purged = read_record(record, PURGED)
    key.check_seal(purged, record)
    if purged["certificate"] != certificate["seal"]:
        advice = f"put back the {CERTIFICATE_FILE} that was purged"
        raise CragruError("not of the certificate here", place=spot(record), advice=advice)
    return purged


class Verifier:
    """Verifies certificates; a file that several of them name is read once.

    Attributes:
        verified: How many files are as they were, by the certificate that names them, or `BEHIND` the run.
    """

    def __init__(self, key: Key | None, purged: Collection[str] = ()) -> None:
        """Verify nothing yet.

        Args:
            key: The key of the certificates; None where there is none.
            purged: All purged files, of other runs too.
        """
        self.verified: dict[str, int] = {}
        self._key, self._purged = key, set(purged)
        self._checksums: dict[str, str | None] = {}
        self._wrong: dict[str, Problem] = {}  # of each file
        self._failed: list[Problem] = []
        self._certificates: dict[Path, Certificate] = {}
        self._makers = Makers()

    def verify(self, path: Path) -> None:
        """Verify one certificate; `report` tells."""
        try:
            certificate = self._certificates[path] = read_certificate(path, self._key)
            purge = read_purged(path, certificate, self._key)
            self._purged.update(purge["purged"] if purge else ())
            if self._is_as_certified(certificate["files"], purge):
                self._rebuild(path, certificate)
            self._check_page(path, certificate, purge)
        except CragruError as error:
            self._failed += error.problems

    def verify_gone(self) -> None:
        """Verify that no row is back that was purged, in what serves after its request; `report` tells."""
        for path, certificate in self._certificates.items():
            if path.with_name(PURGED_FILE).exists():
                others = self._certificates.values()
                self._failed += returned_rows(certificate, others, self._key)

    def verify_behind(self, shown: Iterable[str]) -> None:
        """Verify what is behind a run's tables, figures and certificates that were verified; `report` tells."""
        behind = Behind(self._checksum, self._purged)
        behind.look(sorted({*shown, *self._certified()}))
        self._wrong = behind.wrong | self._wrong
        self._failed += behind.failed
        if len(behind.processors) > 1:
            kinds = ", ".join(f"{kind} ({name})" for kind, name in behind.processors.items())
            log.warning("made on several kinds of processors, which differ in last bits: %s", kinds)
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
        if any(not problem.advice for problem in self._wrong.values()):
            problems.append(Problem("delete each and make it again: `snakemake --cores all FILE`"))
        problems += self._failed
        if problems:
            raise CragruError.of(problems)

    def _certified(self) -> set[str]:
        """Return what certificates speak of."""
        found: set[str] = set()
        for certificate in self._certificates.values():
            for artifact in certificate["artifacts"]:
                found |= artifact["outputs"].keys()
        return found

    def _check_page(
        self, path: Path, certificate: Certificate, purge: dict[str, Any] | None
    ) -> None:
        """Refuse a page that does not say what its certificate says."""
        page = path.with_name(PAGE_FILE)
        if not page.is_file() or page.read_text(encoding="utf-8") != page_of(certificate, purge):
            advice = PURGE_AGAIN if purge else CERTIFY_AGAIN
            raise CragruError("not the page of its certificate", place=spot(page), advice=advice)

    def _is_as_certified(self, files: dict[str, str], purge: dict[str, Any] | None) -> bool:
        """Hold files against their commitments; return whether all are as certified."""
        wrong: dict[str, Problem] = {}
        purged = purge["purged"] if purge else {}
        for name in files.keys() | purged.keys():
            problem = self._problem(name, files)
            if problem:
                wrong[name] = problem
        self._wrong |= wrong
        return not wrong

    def _problem(self, name: str, files: dict[str, str]) -> Problem | None:
        """Return what is wrong with a file that a certificate, or the record of its purge, names."""
        checksum = self._checksum(name)
        if name in self._purged:
            back = Problem("purged, but there again", place=name, advice=PURGE_AGAIN)
            return None if checksum is None else back
        if checksum is None:
            return Problem("not as certified: missing", place=name)
        if self._key.of_file(name, checksum) == files[name]:
            return None
        if self._makers.fit(name, checksum):
            return Problem("made again since it was certified", place=name, advice=CERTIFY_AGAIN)
        return Problem("not as certified: altered", place=name)

    def _checksum(self, name: str) -> str | None:
        if name not in self._checksums:
            self._checksums[name] = sha256(name) if Path(name).is_file() else None
        return self._checksums[name]

    def _rebuild(self, path: Path, certificate: Certificate) -> None:
        """Build a certificate again whose files are as certified; not where some were purged."""
        gone = certificate["files"].keys() & self._purged
        left = len(certificate["files"]) - len(gone)
        if gone:
            log.info("verified %s: %d files purged, %d as certified", path, len(gone), left)
        else:
            request, manifests = Request.of(certificate["request"]), manifests_of(certificate)
            guarantees, date = certificate["guarantees"], certificate["date"]
            try:
                rebuilt = build_certificate(
                    request, manifests, guarantees, self._key, date, self._purged
                )
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
