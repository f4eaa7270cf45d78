"""Read files of people whole: bytes, or text in UTF-8 as any editor saves it; else one line says what is there."""

import codecs
import os
import stat
from pathlib import Path

from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_file(path: PathLike, what: str, advice: str = "", most: int = -1) -> bytes:
    """Read a file: all of it, or its first `most` bytes.

    Messages call the file `what`, such as ``a request``.

    Raises:
        CragruError: If the file is missing or cannot be read; or is a folder, a pipe, which might never be written to,
            or a device, which might have no end.
    """
    place = short(os.fspath(path))
    try:
        if stat.S_ISREG(Path(path).stat().st_mode):
            with Path(path).open("rb") as file:
                return file.read(most)
    except (OSError, ValueError, MemoryError) as error:  # a path with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or str(error) or "too large"
        raise CragruError(
            f"cannot be read as {what}: {reason}", place=place, advice=advice
        ) from error
    raise CragruError(
        f"cannot be read as {what}: a folder, a pipe or a device", place=place, advice=advice
    )


def read_text(path: PathLike, what: str) -> str:
    """Read a text in UTF-8, with or without a byte-order mark; line ends stay as the file has them.

    Messages call the file `what`, such as ``a request``.

    Raises:
        CragruError: If the file is missing, cannot be read, or is no text in UTF-8.
    """
    content = read_file(path, what).removeprefix(codecs.BOM_UTF8)
    try:
        text, wrong = content.decode(), content.find(b"\0")
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    if wrong < 0:
        return text
    place = spot(path, content[:wrong].count(b"\n") + 1)
    got = "UTF-16" if content.startswith(UTF_16) else content[wrong : wrong + 1]
    raise CragruError(f"cannot be read as {what}", place=place, got=got, advice="save it in UTF-8")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
