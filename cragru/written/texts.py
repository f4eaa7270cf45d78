"""Read text files of people: UTF-8 as any editor saves it, or one line that says what the file is instead."""

import codecs
from pathlib import Path

from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: PathLike, what: str) -> str:
    """Read a text in UTF-8, with or without a byte-order mark; line ends stay as the file has them.

    Messages call the file `what`, such as ``a request``.

    Raises:
        CragruError: If the file is missing, cannot be read, or is no text in UTF-8.
    """
    try:
        content = Path(path).read_bytes().removeprefix(codecs.BOM_UTF8)
        text, wrong = content.decode(), content.find(b"\0")
    except UnicodeDecodeError as error:
        text, wrong = "", error.start
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        raise CragruError(f"cannot be read as {what}: {error}", place=short(str(path))) from error
    if wrong < 0:
        return text
    place = spot(path, content[:wrong].count(b"\n") + 1)
    got = "UTF-16" if content.startswith(UTF_16) else content[wrong : wrong + 1]
    raise CragruError(f"cannot be read as {what}", place=place, got=got, advice="save it in UTF-8")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
