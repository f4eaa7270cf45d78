"""Text files of people: UTF-8 as any editor saves it, or one line that says what the file is instead."""

from pathlib import Path

from cragru.core.errors import CragruError
from cragru.core.place import PathLike

UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte-order marks


def read_text(path: PathLike, what: str) -> str:
    """Read a text in UTF-8, with or without a byte-order mark; line ends stay as the file has them.

    Args:
        path: The file.
        what: What it is to be, such as ``a request``, for the message.

    Raises:
        CragruError: If the file cannot be read, or is no text in UTF-8.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CragruError(f"{path}: cannot be read as {what} ({error})") from error
    if content.startswith(UTF_16):
        raise CragruError(f"{path}: cannot be read as {what}: it is UTF-16; save it in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where, byte = _line(path, content[: error.start]), content[error.start]
        raise CragruError(
            f"{where}: cannot be read as {what}: byte 0x{byte:02x} is not UTF-8; save it in UTF-8"
        ) from error
    if "\0" in text:
        where = _line(path, text[: text.index("\0")].encode())
        raise CragruError(
            f"{where}: cannot be read as {what}: a NUL byte, which no text has; save it in UTF-8"
        )
    return text


def _line(path: PathLike, before: bytes) -> str:
    """The file and the line that a byte stands on, by what stands before it."""
    number = before.count(b"\n") + 1
    return f"{path}, line {number}"
