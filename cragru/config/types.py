"""Types of text that more than one configuration file has."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from cragru.core.errors import CragruError
from cragru.written.paths import expanded

LONGEST_NAME = 80  # a file system takes 255 bytes, endings and temporary names included
UNFIT = "=+-@_"  # a spreadsheet computes what starts so, and matplotlib hides `_`

# of results/, beside those of data sets and runs
TOP_FOLDERS = ("raw", "llm", "logs", "benchmarks")

_NAME = StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=LONGEST_NAME)
Name = Annotated[str, _NAME]
"""One step of a path: no `_`, no `/`."""

_LOWER = StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=LONGEST_NAME)
LowerName = Annotated[str, _LOWER]
"""The name of a data set or of one of its sources: a step of a path that is lower-case and has no dot."""

Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
"""The full name of a Python module."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A checksum: 64 lower-case hex digits."""

_ANCHOR = StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._/+-]*$", max_length=LONGEST_NAME)
Anchor = Annotated[str, _ANCHOR]
"""What LaTeX refers to a table by: none of the letters that LaTeX reads as commands."""


def distinct(values: list) -> list:
    """Refuse a list that has a value twice."""
    repeated = {value for value in values if values.count(value) > 1}
    if repeated:
        raise CragruError("there more than once", got=sorted(repeated), advice="name each once")
    return values


def free_of(*taken: str) -> Callable[[str], str]:
    """Return a check that refuses names of folders that are there already."""

    def check(name: str) -> str:
        if name in taken:
            raise CragruError("a folder of results/ has this name", advice="choose another name")
        return name

    return check


def _check_words(value: str) -> str:
    if not any(letter.isalnum() for letter in value):
        raise CragruError("no words", advice="write at least one letter or digit")
    return value


def _check_line(value: str) -> str:
    strange = next((letter for letter in value if not letter.isprintable()), None)
    if strange is not None:
        raise CragruError(
            f"holds the character U+{ord(strange):04X}", advice="write one line, with plain blanks"
        )
    return value


def _check_label(value: str) -> str:
    if value != value.strip():
        raise CragruError("blanks around a label", advice="leave them out")
    if value[0] in UNFIT:
        raise CragruError("unfit start of a label", advice="begin with a letter, digit or bracket")
    return value


def _fold(value: str) -> str:
    """Return a text of several lines on one line, as LaTeX and Markdown read it."""
    if re.search(r"\n[ \t]*\n", value.strip()):
        raise CragruError("several paragraphs", advice="write one: YAML folds lines after >-")
    return " ".join(value.split())


def _check_inside(value: str) -> str:
    has_drive = re.match("[A-Za-z]:", value)
    if has_drive or "\\" in value or {"", ".", ".."} & set(value.split("/")):
        raise CragruError("leads out of its folder", advice="name the steps from there, as in a/b")
    return value


def _check_path(value: str) -> str:
    expanded(value)
    return value


def _check_braces(value: str) -> str:
    if set("{}") & set(value):
        raise CragruError("Snakemake takes braces for wildcards", advice="rename it")
    return value


ON_ONE_LINE, WITHIN = AfterValidator(_check_line), AfterValidator(_check_inside)
HAS_WORDS = AfterValidator(_check_words)

Line = Annotated[str, StringConstraints(min_length=1, max_length=500), HAS_WORDS, ON_ONE_LINE]
"""A few words on one line."""

_Short = Annotated[str, StringConstraints(min_length=1, max_length=120), HAS_WORDS, ON_ONE_LINE]
Label = Annotated[_Short, AfterValidator(_check_label)]
"""What tables and figures call something; rows are told apart by it."""

_Long = Annotated[str, StringConstraints(min_length=1, max_length=2000), HAS_WORDS]
Sentences = Annotated[_Long, AfterValidator(_fold), ON_ONE_LINE]
"""One paragraph, which may be written on several lines."""

Place = Annotated[str, StringConstraints(min_length=1), ON_ONE_LINE, AfterValidator(_check_path)]
"""Where a file or folder is, as `cragru.written.paths` reads it."""

InputPlace = Annotated[Place, AfterValidator(_check_braces)]
"""The path of a file, or of a folder of files, that is an input of a rule."""

Inside = Annotated[Place, WITHIN]
"""A path inside an archive or a folder, which it does not leave."""
