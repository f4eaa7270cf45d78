"""Verifies certificates against the files: every one that was altered or is missing is named."""

from collections.abc import Iterable
from pathlib import Path

from cragru.audit.certificate import FORMAT, Certificate, as_text, build_certificate, manifests_of
from cragru.audit.commitment import Key
from cragru.audit.request import Request
from cragru.errors import CragruError
from cragru.io import PathLike, read_json, sha256
from cragru.plan.places import CERTIFICATE_FILE, PURGED_FILE

NAMED = 8  # files that a message names at the most


def find_certificates(folder: PathLike) -> list[Path]:
    """All certificates of a run.

    Raises:
        CragruError: If there are none.
    """
    found = sorted(Path(folder).rglob(CERTIFICATE_FILE))
    if not found:
        raise CragruError(
            f"{folder}: no certificates; run the workflow first, with a table or figure of a request"
        )
    return found


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
    made_with = certificate.get("commitment", {}).get("key")
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
    purged = read_json(record)
    key.check_seal(purged, record)
    if purged["certificate"] != certificate["seal"]:
        raise CragruError(f"{record}: is of another certificate than the one beside it; delete it")
    return purged["purged"]


class Verifier:
    """Verifies certificates; a file that several of them name is read once."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.verified: list[str] = []
        self._checksums: dict[str, str | None] = {}
        self._wrong: dict[str, str] = {}  # file -> what is wrong with it
        self._failed: list[str] = []

    def verify(self, path: Path) -> None:
        """Verify one certificate; `report` tells."""
        try:
            certificate = read_certificate(path, self.key)
            purged = read_purged(path, certificate, self.key)
        except CragruError as error:
            self._failed.append(str(error))
            return
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

    def report(self) -> None:
        """Fail if anything was wrong.

        Raises:
            CragruError: With the names of files, in one line.
        """
        named = [f"{path} ({what})" for path, what in sorted(self._wrong.items())]
        problems = named[:NAMED] + (
            [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
        )
        if problems:
            problems = [f"files are not as certified: {', '.join(problems)}"]
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
            elif self.key.of_file(name, checksum) != files[name]:
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
                request, manifests_of(certificate), certificate["guarantees"], self.key
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
