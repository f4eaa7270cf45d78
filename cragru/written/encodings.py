"""Read letters of raw files: bytes become text by the encoding of the layout, and by no other.

Any bytes are text in Latin-1, so a file that somebody has saved anew in UTF-8 would give ``CafÃ©`` for ``Café`` and no
word of it. It is told by its bytes beyond ASCII: letters of Latin-1 mostly stand alone between ASCII letters, those of
UTF-8 are sequences of two to four bytes that fit together. A file in which *all* of them do so is UTF-8 and refused.
So is a line of Latin-1 with such a sequence, for no title has a sign after ``Ã``; but a capital before a sign that does
follow letters, such as ``É®``, stays what it is. The bytes 0x80 to 0x9f, which are quotes and dashes in Windows-1252,
are no letters of Latin-1, and a file with one is refused, too.
"""

import contextlib
import re

from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot

_NO_LETTER = re.compile(rb"[\x80-\x9f]")
# letters of two to four bytes that are no letters of Latin-1 with signs that people write after them, such as É»
_UTF_8 = re.compile(
    rb"[\xc2\xc3][\xa0-\xbf]|[\xc4-\xdf][\xa1-\xa9\xac\xad\xaf\xb1\xb4-\xb8\xbc-\xbf]"
    rb"|[\xe0-\xef][\xa0-\xbf]{2}|[\xf0-\xf4][\xa0-\xbf]{3}"
)
SAVE = "save the file in Latin-1 (ISO 8859-1), as its publisher does"


def decode(content: bytes, encoding: str, path: PathLike) -> str:
    """Return the text of a raw file, in ``latin-1`` or ``utf-8`` as its layout says, every line end as a newline.

    Raises:
        CragruError: If the bytes are no text in this encoding, or of another in Latin-1's place.
    """
    if encoding == "latin-1" and not content.isascii():
        with contextlib.suppress(UnicodeDecodeError):
            content.decode("utf-8")
            raise CragruError("its letters are UTF-8", place=spot(path), advice=SAVE)
        found = _NO_LETTER.search(content) or _UTF_8.search(content)
        if found is not None:
            place = spot(path, content[: found.start()].count(b"\n") + 1)
            raise CragruError("no letter of Latin-1", place=place, got=found[0], advice=SAVE)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        what, line = f"not {encoding} text", content.count(b"\n", 0, error.start) + 1
        raise CragruError(what, place=spot(path, line), advice="save it so") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
