"""Types of text that more than one configuration file has."""

import re
from collections.abc import Sized
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, StringConstraints

from cragru.core.errors import CragruError, Problem
from cragru.written.paths import expanded

JOINERS = "\u200c\u200d"  # shown as nothing
JOINED = rf"(?<=[^\s{JOINERS}])[{JOINERS}](?=[^\s{JOINERS}])"
LONGEST_NAME = 80  # a file system takes 255 bytes, endings and temporary names included

Content = TypeVar("Content", bound=Sized)

# of results/, beside those of data sets and runs
TOP_FOLDERS = ("raw", "llm", "logs", "benchmarks")

_NAME = StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=LONGEST_NAME)
Name = Annotated[str, _NAME]
"""One step of a path: no `_`, no `/`."""

OPTION = r"@[A-Za-z][A-Za-z0-9_]*=[A-Za-z0-9._+-]+"
_VARIANT = rf"^[A-Za-z0-9][A-Za-z0-9.-]*({OPTION})*$"


def _check_variant(value: str) -> str:
    if not re.search(_VARIANT, value):
        advice = "write name@option=value, further options each with an @"
        raise CragruError("neither a name nor a variant", advice=advice)
    return value


VariantName = Annotated[
    str,
    Field(max_length=2 * LONGEST_NAME, json_schema_extra={"pattern": _VARIANT}),
    AfterValidator(_check_variant),
]
"""A name, or one with options, such as ``scif@damping=10`` (`cragru.plan.variants`)."""

_LOWER = StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=LONGEST_NAME)
LowerName = Annotated[str, _LOWER]
"""The name of a data set or of one of its sources: a step of a path that is lower-case and has no dot."""

Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
"""The full name of a Python module."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A checksum: 64 lower-case hex digits."""

Requirement = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+$")
]
"""A distribution of Python at one version, such as ``recbole==1.2.1``."""

_ANCHOR = StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._/+-]*$", max_length=LONGEST_NAME)
Anchor = Annotated[str, _ANCHOR]
"""What LaTeX refers to a table by: none of the letters that LaTeX reads as commands."""


def _check_filled(value: Content) -> Content:
    """Refuse what is empty: Field(min_length=1) also refuses entries that are there but wrong."""
    if not value:
        raise CragruError("empty", advice="name at least one")
    return value


def distinct(values: list) -> list:
    """Refuse a list that has a value twice."""
    repeated = {value for value in values if values.count(value) > 1}
    if repeated:
        raise CragruError("there more than once", got=sorted(repeated), advice="name each once")
    return values


def _without(pattern: str, problem: Problem) -> AfterValidator:
    """Return a validator that refuses texts in which a pattern is found."""

    def check(value: str) -> str:
        if re.search(pattern, value):
            raise CragruError.of([problem])
        return value

    return AfterValidator(check)


def free_of(*taken: str) -> AfterValidator:
    """Return a validator that refuses names of folders that are there already."""
    problem = Problem("a folder of results/ has this name", advice="choose another name")
    return _without(rf"\A({'|'.join(map(re.escape, taken))})\Z", problem)


def _check_line(value: str) -> str:
    strange = next((letter for letter in value if not letter.isprintable()), None)
    if strange is not None:
        raise CragruError(f"holds U+{ord(strange):04X}", advice="write one line, with plain blanks")
    return value


def _check_words(value: str) -> str:
    """Refuse what `_check_line` does, but for letters that join two others, such as the parts of an emoji."""
    _check_line(re.sub(JOINED, "", value))
    return value


def _check_path(value: str) -> str:
    expanded(value)
    return value


FILLED = AfterValidator(_check_filled)
ON_ONE_LINE = AfterValidator(_check_line)
WORDS_ON_ONE_LINE = AfterValidator(_check_words)
HAS_WORDS = _without(r"\A[\W_]*\Z", Problem("no words", advice="write a letter or a digit"))
LEADS_OUT = (
    r"\A[A-Za-z]:|\\|(\A|/)\.{0,2}(/|\Z)"  # a drive, a backslash, a step that is empty or dots
)
WITHIN = _without(LEADS_OUT, Problem("leads out of its folder", advice="name the steps, as in a/b"))
_ONE_PARAGRAPH = _without(
    r"\S\s*\n[ \t]*\n\s*\S", Problem("several paragraphs", advice="write one")
)
_FOLDED = AfterValidator(lambda value: " ".join(value.split()))  # as LaTeX and Markdown read it
_NO_MARGINS = _without(r"\A\s|\s\Z", Problem("blanks around a label", advice="leave them out"))
# a spreadsheet computes what starts so, and matplotlib hides `_`
_FIT = _without(
    r"\A[=+\-@_]", Problem("unfit start of a label", advice="begin with a letter or digit")
)
_NO_BRACES = _without("[{}]", Problem("Snakemake takes braces for wildcards", advice="rename it"))

Line = Annotated[str, StringConstraints(min_length=1, max_length=500), HAS_WORDS, ON_ONE_LINE]
"""A few words on one line."""

_FEW = StringConstraints(min_length=1, max_length=120)
_Short = Annotated[str, _FEW, HAS_WORDS, WORDS_ON_ONE_LINE]
Label = Annotated[_Short, _NO_MARGINS, _FIT]
"""What tables and figures call something; rows are told apart by it."""

_Long = Annotated[str, StringConstraints(min_length=1, max_length=2000), HAS_WORDS]
Sentences = Annotated[_Long, _ONE_PARAGRAPH, _FOLDED, WORDS_ON_ONE_LINE]
"""One paragraph, which may be written on several lines."""

Place = Annotated[str, StringConstraints(min_length=1), ON_ONE_LINE, AfterValidator(_check_path)]
"""Where a file or folder is, as `cragru.written.paths` reads it."""

InputPlace = Annotated[Place, _NO_BRACES]
"""The path of a file, or of a folder of files, that is an input of a rule."""

Inside = Annotated[Place, WITHIN]
"""A path inside an archive or a folder, which it does not leave."""
