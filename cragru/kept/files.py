"""Files in and out: atomic writes, parquet with a checked schema, JSON and checksums."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.machine import trouble
from cragru.kept.rights import rights_of_folders
from cragru.kept.shapes import Shape, misfit


@contextlib.contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes its place only if the block succeeds.

    A killed job therefore never leaves half a file under the final name. The temporary name is unique
    over hosts, because several nodes may write into one shared folder. The file gets the rights that the umask
    leaves, and none that a folder above it does not give.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _new_file_beside(target)
    rights = stat.S_IMODE(temporary.stat().st_mode) & rights_of_folders(target.parent)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # some libraries put a file of their own, with rights of their own, in its place
        temporary.chmod(rights)
        temporary.replace(target)
    except OSError as error:
        if error.filename in (None, os.fspath(temporary)):  # of a full disk, say
            error.filename = os.fspath(target)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def temporaries_of(path: PathLike) -> list[Path]:
    """Temporary copies of a file that killed jobs have left beside it, or that other jobs write now."""
    target = Path(path)
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-z_]{{8,}}")
    if not target.parent.is_dir():
        return []
    return sorted(file for file in target.parent.iterdir() if pattern.fullmatch(file.name))


def _new_file_beside(target: Path) -> Path:
    """An empty file with a name that nobody else has, and the rights that the umask leaves."""
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        return temporary


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
        CragruError: If there is no such file, or it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CragruError(f"{path}: no such file; run the workflow again") from error
    except RecursionError as error:
        raise CragruError(
            f"{path}: not valid JSON (nested too deep); delete it and run again"
        ) from error
    except ValueError as error:
        raise CragruError(f"{path}: not valid JSON ({error}); delete it and run again") from error


def read_record(path: PathLike, shape: Shape) -> Any:
    """Read a JSON file that a job has written.

    Args:
        path: The file.
        shape: What it must hold (`cragru.kept.shapes`); what else it holds is given as it is.

    Raises:
        CragruError: If there is no such file, or it is not JSON of this shape.
    """
    record = read_json(path)
    check_record(path, record, shape)
    return record


def check_record(path: PathLike, record: Any, shape: Shape) -> None:
    """Check what a JSON file holds; as `read_record`."""
    wrong = misfit(record, shape)
    if wrong:
        raise CragruError(
            f"{path}: not a record as a job writes it: {wrong}; delete it and run again"
        )


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
        if trouble(error):
            raise  # the file may be whole: to delete it would be the wrong advice
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


def json_checksum(content: Any) -> str:
    """The SHA-256 of plain JSON, as hex digits, however a file lays it out."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sha256(path: PathLike) -> str:
    """The SHA-256 of a file, in hex."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
