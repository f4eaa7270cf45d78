"""Verifies certificates against the files: every one that was altered or is missing is named."""

from collections.abc import Collection, Iterable
from pathlib import Path

from cragru.audit.behind import Behind
from cragru.audit.certificate import FORMAT, Certificate, as_text, build_certificate, manifests_of
from cragru.audit.commitment import Key
from cragru.audit.request import Request
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import check_record, read_json, read_record, sha256
from cragru.kept.shapes import Each
from cragru.plan.places import CERTIFICATE_FILE, PURGED_FILE

NAMED = 8  # files that a message names at the most
NOT_AS_TOLD = "files are not as their manifests tell"
# the name as a target, for Snakemake does not miss a file on the way to tables that are there
REMEDY = "delete each and make it again: `snakemake --cores all FILE`"
REQUEST = {"dataset": str, "protocol": str, "seed": int, "request": (str, type(None))}
ARTIFACT = {"manifest": str, "outputs": Each(str), "inputs": Each(str)}
CERTIFICATE = {
    "request": REQUEST,
    "guarantees": Each(str),
    "commitment": {"key": str, "interactions": int},
    "artifacts": [ARTIFACT],
    "checks": list,
    "remains": [{"path": str, "purge": bool}],
    "files": Each(str),
    "seal": str,
}
PURGED = {"certificate": str, "purged": Each(str), "seal": str}


def find_certificates(folder: PathLike, wanted: Collection[str] = ()) -> list[Path]:
    """All certificates of a run that are there.

    Args:
        folder: Where they are.
        wanted: Those that there must be, by the tables and figures that the run shows (`cragru.plan.certificates`).

    Raises:
        CragruError: If there must be some, and there are none.
    """
    found = sorted(Path(folder).rglob(CERTIFICATE_FILE))
    if wanted and not found:
        raise CragruError(
            f"{folder}: no certificates; run the workflow first, with a table or figure of a request"
        )
    return found


def missing_certificates(wanted: Iterable[str]) -> list[str]:
    """What to say of each certificate that there must be, and is not there."""
    return [
        f"{path}: no such certificate, though the run shows what came of its request; run the workflow again"
        for path in wanted
        if not Path(path).is_file()
    ]


def read_certificate(path: Path, key: Key) -> Certificate:
    """Read a certificate that is as it was written.

    Raises:
        CragruError: If it is of another format or key, or was altered.
    """
    certificate = read_json(path)
    if not isinstance(certificate, dict) or certificate.get("format") != FORMAT:
        raise CragruError(
            f"{path}: is no certificate of format {FORMAT}; delete it and run the workflow again"
        )
    check_record(path, certificate, CERTIFICATE)
    made_with = certificate["commitment"]["key"]
    if made_with != key.fingerprint:
        raise CragruError(
            f"{path}: was made with the key {made_with}, but this is {key.fingerprint}; use that key"
        )
    key.check_seal(certificate, path)
    return certificate


def read_purged(path: Path, certificate: Certificate, key: Key) -> dict[str, str]:
    """The files that `snakemake purge` has deleted for the certificate at `path`, with commitments to them.

    Raises:
        CragruError: If the record was altered, or is of another certificate.
    """
    record = path.with_name(PURGED_FILE)
    if not record.exists():
        return {}
    purged = read_record(record, PURGED)
    key.check_seal(purged, record)
    if purged["certificate"] != certificate["seal"]:
        raise CragruError(f"{record}: is of another certificate than the one beside it; delete it")
    return purged["purged"]


class Verifier:
    """Verifies certificates; a file that several of them name is read once."""

    def __init__(self, key: Key | None) -> None:
        self._key = key  # None where there is no certificate
        self.verified: list[str] = []
        self._checksums: dict[str, str | None] = {}
        self._wrong: dict[str, str] = {}  # file -> what is wrong with it
        self._behind: dict[str, str] = {}  # likewise, of files behind the run
        self._failed: list[str] = []
        self._purged: set[str] = set()
        self._certified: set[str] = set()  # what certificates speak of

    def verify(self, path: Path) -> None:
        """Verify one certificate; `report` tells."""
        try:
            certificate = read_certificate(path, self._key)
            purged = read_purged(path, certificate, self._key)
        except CragruError as error:
            self._failed.append(str(error))
            return
        self._purged |= purged.keys()
        for artifact in certificate["artifacts"]:
            self._certified |= artifact["outputs"].keys()
        wrong = dict(self._compare(certificate["files"], purged))
        self._wrong |= wrong
        if wrong:
            return
        if purged:
            self.verified.append(
                f"{path}: {len(purged)} files purged, the other {self._left(certificate, purged)} as certified"
            )
            return
        self._rebuild(path, certificate)

    def verify_behind(self, shown: Iterable[str]) -> None:
        """Verify everything behind the run, by manifests; `report` tells. Certificates are to be verified before.

        Args:
            shown: The files of the run's tables and figures.
        """
        behind = Behind(self._checksum, self._purged)
        behind.look(sorted({*shown, *self._certified}))
        self._behind |= behind.wrong
        self._failed += behind.failed
        if not behind.wrong and not behind.failed:
            self.verified.append(
                f"{len(behind.looked_at)} files behind tables, figures and certificates: as their manifests tell"
            )

    def fail(self, problems: Iterable[str]) -> None:
        """Have `report` tell of problems that others have found."""
        self._failed += problems

    def report(self) -> None:
        """Fail if anything was wrong.

        Raises:
            CragruError: With the names of files, in one line.
        """
        told = {path: what for path, what in self._behind.items() if path not in self._wrong}
        problems = _listed("files are not as certified", self._wrong)
        problems += [f"{one}; {REMEDY}" for one in _listed(NOT_AS_TOLD, told)]
        problems += self._failed
        if problems:
            raise CragruError("; ".join(problems))

    def _compare(self, files: dict[str, str], purged: dict[str, str]) -> Iterable[tuple[str, str]]:
        for name in sorted(files.keys() | purged.keys()):
            checksum = self._checksum(name)
            if name in purged:
                if checksum is not None:
                    yield name, "was purged and is there again; run snakemake purge"
            elif checksum is None:
                yield name, "missing"
            elif self._key.of_file(name, checksum) != files[name]:
                yield name, "altered"

    def _checksum(self, name: str) -> str | None:
        if name not in self._checksums:
            self._checksums[name] = sha256(name) if Path(name).is_file() else None
        return self._checksums[name]

    def _left(self, certificate: Certificate, purged: dict[str, str]) -> int:
        return len(certificate["files"].keys() - purged.keys())

    def _rebuild(self, path: Path, certificate: Certificate) -> None:
        request = Request.of(certificate["request"])
        try:
            rebuilt = build_certificate(
                request, manifests_of(certificate), certificate["guarantees"], self._key
            )
        except CragruError as error:
            self._failed.append(f"{path}: cannot be built again: {error}")
            return
        if as_text(rebuilt).encode() != path.read_bytes():
            self._failed.append(
                f"{path}: built again from the files it differs; delete it and run the workflow again"
            )
            return
        removed, passed = certificate["commitment"]["interactions"], len(certificate["checks"])
        files = len(certificate["files"])
        self.verified.append(
            f"{path}: {removed} interactions removed, {passed} checks, {files} files as certified"
        )


def _listed(title: str, wrong: dict[str, str]) -> list[str]:
    """One clause that names the files with which something is wrong, or none."""
    named = [f"{path} ({what})" for path, what in sorted(wrong.items())]
    more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
    return [f"{title}: {', '.join(named[:NAMED] + more)}"] if named else []
