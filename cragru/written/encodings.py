"""Letters of raw files: bytes become text by the encoding of the layout, and by no other that they may be in.

Any bytes are text in Latin-1, so a file that somebody has saved anew in UTF-8 would give ``CafÃ©`` for ``Café`` and no
word of it. It is told by its bytes beyond ASCII: letters of Latin-1 mostly stand alone between ASCII letters, those of
UTF-8 are sequences of two to four bytes that fit together. A file in which *all* of them do so is UTF-8 and refused;
one whose letters do so in some places only is Latin-1 and stays what it is. The bytes 0x80 to 0x9f, which are quotes
and dashes in Windows-1252, are no letters of Latin-1, and a file with one is refused, too.
"""

import re

from cragru.core.errors import CragruError
from cragru.core.place import PathLike

_NO_LETTER = re.compile(rb"[\x80-\x9f]")


def decode(content: bytes, encoding: str, path: PathLike) -> str:
    """The text of a raw file, every line end as a newline.

    Args:
        content: The file's bytes.
        encoding: ``latin-1`` or ``utf-8``, as the layout says.
        path: The file, for the message.

    Raises:
        CragruError: If the bytes are no text in this encoding, or of another in Latin-1's place.
    """
    if encoding == "latin-1":
        _refuse_other_letters(content, path)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise CragruError(
            f"{path}: not {error.encoding} text; download the data set again"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse_other_letters(content: bytes, path: PathLike) -> None:
    if content.isascii():
        return
    what_to_do = "download the data set again, or save the file in Latin-1 (ISO 8859-1), as its publisher does"
    if _is_utf8(content):
        raise CragruError(f"{path}: its letters are UTF-8; {what_to_do}")
    found = _NO_LETTER.search(content)
    if found is not None:
        line = content[: found.start()].count(b"\n") + 1
        raise CragruError(
            f"{path}:{line}: byte 0x{found[0].hex()} is no letter of Latin-1, but one of Windows-1252 or a part of one "
            f"in UTF-8; {what_to_do}"
        )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
