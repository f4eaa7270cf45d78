"""Files in and out: atomic writes, parquet with a checked schema, JSON and checksums."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cragru.errors import CragruError
from cragru.texts import PathLike


@contextlib.contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes its place only if the block succeeds.

    A killed job therefore never leaves half a file under the final name. The temporary name is unique
    over hosts, because several nodes may write into one shared folder.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)  # mkstemp makes 0600, which a group on a cluster could not read
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: PathLike, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: PathLike, value: Any) -> None:
    """Write JSON atomically: sorted keys and a final newline, so equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: PathLike) -> Any:
    """Read a JSON file.

    Raises:
        CragruError: If the file is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise CragruError(f"{path}: not valid JSON ({error}); delete it and run again") from error


def write_parquet(path: PathLike, frame: pd.DataFrame, schema: Mapping[str, str]) -> None:
    """Write the columns of `schema`, in that order and with those dtypes, atomically."""
    with atomic_path(path) as temporary:
        frame[list(schema)].astype(dict(schema)).to_parquet(
            temporary, index=False, compression="zstd"
        )


def read_parquet(path: PathLike, schema: Mapping[str, str]) -> pd.DataFrame:
    """Read a parquet file and check its columns and dtypes.

    Raises:
        CragruError: If the file is unreadable or its columns differ from `schema`.
    """
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CragruError(
            f"{path}: not a readable parquet file ({reason}); delete it and run again"
        ) from error
    got = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    if got != dict(schema):
        raise CragruError(
            f"{path}: columns are {got}, expected {dict(schema)}; delete it and run again"
        )
    return frame


def sha256(path: PathLike) -> str:
    """The SHA-256 of a file, in hex."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
