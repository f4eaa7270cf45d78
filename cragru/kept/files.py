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
from typing import TYPE_CHECKING, Any

from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot
from cragru.kept.machine import trouble
from cragru.kept.rights import rights_of_folders
from cragru.kept.shapes import Shape, misfit

if TYPE_CHECKING:
    import pandas as pd

TEXT = ("string", "str")  # types of a column that pandas may have in the place of `object`
AGAIN = "delete it and run again"


@contextlib.contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; the file there takes the place of `path` if the block succeeds.

    A killed job never leaves half a file under the final name. The temporary name is unique over hosts, for several
    nodes may write into one folder. The file gets the rights that the umask leaves and all folders above it give.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _new_file_beside(target)
    rights = stat.S_IMODE(temporary.stat().st_mode) & rights_of_folders(target.parent)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # some libraries replace the file by one with rights of its own
        temporary.chmod(rights)
        temporary.replace(target)
    except OSError as error:
        if error.filename in (None, os.fspath(temporary)):  # such as on a full disk
            error.filename = os.fspath(target)
        elif error.filename2 == os.fspath(temporary):  # a copy, whose source is the first
            error.filename2 = os.fspath(target)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def temporaries_of(path: PathLike) -> list[Path]:
    """Return the temporary copies of a file: killed jobs left them beside it, or other jobs write them now."""
    target = Path(path)
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-z_]{{8,}}")
    if not target.parent.is_dir():
        return []
    return sorted(file for file in target.parent.iterdir() if pattern.fullmatch(file.name))


def _new_file_beside(target: Path) -> Path:
    """Make an empty file with a new name and the rights that the umask leaves."""
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
    """Write JSON atomically; keys are sorted, so equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: PathLike) -> Any:
    """Read a JSON file.

    Raises:
        CragruError: If there is no such file, or it is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CragruError("no such file", place=spot(path), advice="run the workflow") from error
    except (ValueError, RecursionError) as error:
        raise CragruError(f"not valid JSON ({error})", place=spot(path), advice=AGAIN) from error


def read_record(path: PathLike, shape: Shape) -> Any:
    """Read a JSON file that a job has written, with more than its shape where there is more.

    Raises:
        CragruError: If there is no such file, or it is not JSON of this shape.
    """
    record = read_json(path)
    check_record(path, record, shape)
    return record


def check_record(path: PathLike, record: Any, shape: Shape) -> None:
    """Check the content of a JSON file.

    Raises:
        CragruError: If it has not this shape.
    """
    wrong = misfit(record, shape)
    if wrong:
        raise CragruError(f"no record of a job: {wrong}", place=spot(path), advice=AGAIN)


def write_parquet(path: PathLike, frame: "pd.DataFrame", schema: Mapping[str, str]) -> None:
    """Write the columns of `schema`, in that order and with those dtypes, atomically."""
    with atomic_path(path) as temporary:
        frame[list(schema)].astype(dict(schema)).to_parquet(
            temporary, index=False, compression="zstd"
        )


def read_parquet(path: PathLike, schema: Mapping[str, str]) -> "pd.DataFrame":
    """Read a parquet file and check its columns and dtypes.

    Raises:
        CragruError: If the file is unreadable or its columns differ from `schema`.
    """
    import pandas as pd  # not above: it takes most of a second, and many jobs read no parquet

    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        if trouble(error):
            raise  # the file may be whole: to delete it would be the wrong advice
        reason = short(str(error))
        raise CragruError(f"not parquet: {reason}", place=spot(path), advice=AGAIN) from error
    # what pandas calls text depends on its option future.infer_string
    texts = [name for name, dtype in frame.dtypes.items() if str(dtype) in TEXT]
    frame = frame.astype(dict.fromkeys(texts, "object"))
    columns, wanted = {name: str(dtype) for name, dtype in frame.dtypes.items()}, dict(schema)
    if columns != wanted:
        raise CragruError(f"columns are not {wanted}", place=spot(path), got=columns, advice=AGAIN)
    return frame


def json_checksum(content: Any) -> str:
    """Return the SHA-256 of plain JSON in hex, however a file lays it out."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sha256(path: PathLike) -> str:
    """Return the SHA-256 of a file in hex."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
