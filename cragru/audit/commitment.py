"""Keyed commitments: a certificate names interactions and files by HMACs, so that nobody without the key can guess.

A plain checksum would not do, not even of a file: the data are public, so who wants to know which user has left could
hash the forget set of every user and compare.
"""

import hashlib
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
from cragru.core.place import PathLike
from cragru.written.paths import located

SCHEME = "HMAC-SHA256"
VARIABLE = "CRAGRU_AUDIT_KEY_FILE"
KEY_BYTES = 32


class Key:
    """The secret of the certificates."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """What tells this key from others, and nothing about it."""
        return self.commit("fingerprint")[:16]

    def commit(self, *fields: Any) -> str:
        """HMAC of some fields, in hex; equal fields give equal bytes.

        Args:
            *fields: Plain JSON; the first says what the others are, so that no commitment passes for another kind.
        """
        text = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def of_file(self, path: str, checksum: str) -> str:
        """Commitment to a file's place and content.

        Args:
            path: Relative to the working directory.
            checksum: Its SHA-256.
        """
        return self.commit("file", path, checksum)

    def sealed(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with a seal over all of it."""
        return body | {"seal": self.commit("seal", body)}

    def check_seal(self, document: dict[str, Any], where: PathLike) -> None:
        """Check that a sealed document was not altered.

        Raises:
            CragruError: If it was.
        """
        body = {name: value for name, value in document.items() if name != "seal"}
        if not hmac.compare_digest(self.commit("seal", body), str(document.get("seal"))):
            raise CragruError(
                f"{where}: its seal is broken: the file was altered; delete it and run the workflow again"
            )


def key_path(environment: Mapping[str, str]) -> Path:
    """Where the key is: `CRAGRU_AUDIT_KEY_FILE`, else in the user's folder for settings.

    Raises:
        CragruError: If a variable holds no path, or there is no home folder.
    """
    if environment.get(VARIABLE):
        return located(environment[VARIABLE], VARIABLE)
    settings = environment.get("XDG_CONFIG_HOME")
    folder = located(settings, "XDG_CONFIG_HOME") if settings else _home() / ".config"
    return folder / "cragru" / "audit.key"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise CragruError(
            f"{VARIABLE}: not set, and there is no home folder on this machine for the audit key; name a file"
        ) from error


def read_key(results: PathLike, environment: Mapping[str, str], make: bool = False) -> Key:
    """Read the key.

    Args:
        results: The results folder, which must not hold the key: who gets the results must not get it with them.
        environment: Environment variables.
        make: Whether to make a key where there is none.

    Raises:
        CragruError: If there is no key, it is no key, or it lies in the results folder.
    """
    path = key_path(environment)
    _check_place(path, results)
    if make and not path.exists():
        _make(path)
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        reason = error.strerror
        raise CragruError(
            f"{path}: no audit key to read ({reason}); set {VARIABLE} to the certificates' key"
        ) from error
    except ValueError as error:
        raise CragruError(
            f"{path}: is no audit key; it must hold {2 * KEY_BYTES} hex digits"
        ) from error
    if len(secret) != KEY_BYTES:
        raise CragruError(
            f"{path}: the audit key has {len(secret)} bytes; it must have {KEY_BYTES}, in hex"
        )
    return Key(secret)


def check_key(results: PathLike, environment: Mapping[str, str]) -> None:
    """Check, before a run, that its last jobs will find a key or can make one.

    Args:
        results: As for `read_key`.
        environment: Environment variables.

    Raises:
        CragruError: If they cannot, or there is a key that `read_key` refuses.
    """
    path = key_path(environment)
    if path.exists():
        read_key(results, environment)
        return
    _check_place(path, results)
    folder = next(one for one in path.absolute().parents if one.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise CragruError(
            f"{path}: there is no audit key, and none can be made: {folder} cannot be written; set {VARIABLE} to a "
            "place where you may write"
        )


def _check_place(path: Path, results: PathLike) -> None:
    if path.resolve().is_relative_to(Path(results).resolve()):
        raise CragruError(
            f"{path}: the audit key must not lie in the results folder; set {VARIABLE} to another place"
        )


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
        logging.getLogger(__name__).info(
            "made the key of the certificates, %s; keep it: nothing verifies without", path
        )
    except FileExistsError:
        logging.getLogger(__name__).debug("another job has made the key meanwhile")
    finally:
        Path(temporary).unlink()
