"""Keyed commitments: a certificate names interactions and files by HMACs, so that nobody without the key can guess.

A plain checksum would not do, not even of a file: the data are public, so who wants to know which user has left could
hash the forget set of every user and compare.
"""

import hmac
import json
import logging
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.written.paths import located
from cragru.written.texts import read_file

SCHEME = "HMAC-SHA256"
VARIABLE = "CRAGRU_AUDIT_KEY_FILE"
KEY_BYTES = 32
LONGEST_FILE = 1000  # bytes: the digits, and blanks around them
REMAKE = "delete it and run the workflow again"
HEX = f"it must hold {2 * KEY_BYTES} hex digits"
THERE = f"set {VARIABLE} to the certificates' key"
ELSEWHERE = f"set {VARIABLE} to another place"
log = logging.getLogger(__name__)


class Key:
    """The secret of the certificates."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """The digits that tell this key from others, and nothing about it."""
        return self.commit("fingerprint")[:16]

    def commit(self, *fields: Any) -> str:
        """Return the HMAC of some fields, in hex; equal fields give equal bytes.

        Args:
            *fields: Plain JSON; the first says what the others are, so that no commitment passes for another kind.
        """
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(self._secret, text.encode(), "sha256").hexdigest()

    def of_file(self, path: str, checksum: str) -> str:
        """Return the commitment to a file's place, relative to the working directory, and its SHA-256."""
        return self.commit("file", path, checksum)

    def of_files(self, checksums: Mapping[str, str]) -> dict[str, str]:
        """Return the commitment to each of some files, by path; as `of_file`."""
        return {path: self.of_file(path, checksum) for path, checksum in checksums.items()}

    def sealed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body with a seal over all of it."""
        return body | {"seal": self.commit("seal", body)}

    def check_seal(self, document: dict[str, Any], where: PathLike) -> None:
        """Refuse a sealed document that was altered."""
        body = dict(document)
        seal = body.pop("seal", None)
        if not hmac.compare_digest(self.commit("seal", body), str(seal)):
            raise CragruError("altered: its seal is broken", place=spot(where), advice=REMAKE)


def key_path(environment: Mapping[str, str]) -> Path:
    """Return where the key is: `CRAGRU_AUDIT_KEY_FILE`, else in the user's folder for settings.

    Raises:
        CragruError: If a variable holds no path, or there is no home folder.
    """
    if environment.get(VARIABLE):
        return located(environment[VARIABLE], VARIABLE)
    settings = environment.get("XDG_CONFIG_HOME")
    folder = located(settings, "XDG_CONFIG_HOME") if settings else located("~/.config", VARIABLE)
    return folder / "cragru" / "audit.key"


def read_key(results: PathLike, environment: Mapping[str, str], make: bool = False) -> Key:
    """Read the key.

    Args:
        results: The results folder, which must not hold the key: who gets the results must not get it with them.
        environment: Environment variables.
        make: Whether to make a key where there is none.

    Raises:
        CragruError: If there is no key, it is no key, or it lies in the results folder.
    """
    path = _place_of_key(environment, results)
    at = spot(path)
    if make and not os.path.lexists(path):
        _make(path)
    content = read_file(path, "an audit key", THERE, LONGEST_FILE)
    try:
        secret = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise CragruError("not an audit key", place=at, advice=HEX)
    return Key(secret)


def check_key(results: PathLike, environment: Mapping[str, str]) -> None:
    """Check, before a run, that its last jobs will find a key or can make one.

    Raises:
        CragruError: If they cannot, or there is a key that `read_key` refuses.
    """
    path = _place_of_key(environment, results)
    if os.path.lexists(path):  # a link that leads nowhere, too
        read_key(results, environment)
        return
    folder = next(one for one in path.absolute().parents if os.path.lexists(one))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        at = spot(path)
        raise CragruError(f"no audit key can be made in {folder}", place=at, advice=ELSEWHERE)


def _place_of_key(environment: Mapping[str, str], results: PathLike) -> Path:
    """Return where the key is, or must be made; refuse a place in the results folder."""
    path = key_path(environment)
    # not resolve(), which fails where links lead in a circle
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(results)):
        raise CragruError("an audit key among the results", place=spot(path), advice=ELSEWHERE)
    return path


def _make(path: Path) -> None:
    """Write a new key that only its owner can read; of two jobs that do so at once, one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".audit.key.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
        log.info("made the certificates' key, %s; keep it: nothing verifies without", path)
    except FileExistsError:
        log.debug("another job has made the key meanwhile")
    finally:
        Path(temporary).unlink()
