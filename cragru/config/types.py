"""Types of text that more than one configuration file has."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from cragru.core.errors import short
from cragru.written.paths import expanded

# of a step of a path; a file system takes 255 bytes, endings and temporary names included
LONGEST_NAME = 80
LONGEST_LABEL, LONGEST_LINE, LONGEST_CAPTION = 120, 500, 2000
FORMULA = "=+-@"  # a spreadsheet computes what starts so; matplotlib hides what starts with `_`

TOP_FOLDERS = (
    "raw",
    "llm",
    "logs",
    "benchmarks",
)  # of results/, beside those of data sets and runs

Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=LONGEST_NAME)
]
"""One step of a path: no `_`, no `/`."""

LowerName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=LONGEST_NAME)
]
"""The name of a data set or of one of its sources: a step of a path that is lower-case and has no dot."""

Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
"""The full name of a Python module."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A checksum: 64 lower-case hex digits."""

Anchor = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._/+-]*$", max_length=LONGEST_NAME)
]
"""What LaTeX refers to a table by: none of the letters that LaTeX reads as commands."""


def distinct(values: list) -> list:
    """A check of lists: no value is there twice."""
    repeated = {value for value in values if values.count(value) > 1}
    if repeated:
        raise ValueError(f"got {sorted(repeated)} more than once; name each once")
    return values


def free_of(*taken: str) -> Callable[[str], str]:
    """A check of names: none that is a folder of `results/` already."""

    def check(name: str) -> str:
        if name in taken:
            raise ValueError(
                f"got {name!r}, which is a folder of results/ already; choose another name"
            )
        return name

    return check


def _check_words(value: str) -> str:
    if not any(letter.isalnum() for letter in value):
        raise ValueError(f"got {value!r}; write at least one letter or digit")
    return value


def _check_line(value: str) -> str:
    strange = next((letter for letter in value if not letter.isprintable()), None)
    if strange is not None:
        raise ValueError(
            f"got '{short(value)}', which holds the character U+{ord(strange):04X}; "
            "write it on one line, with letters, signs and plain blanks"
        )
    return value


def _check_label(value: str) -> str:
    if value != value.strip():
        raise ValueError(f"got {value!r}; leave out the blanks around it")
    if value[0] in FORMULA or value[0] == "_":
        raise ValueError(f"got {value!r}; begin with a letter, a digit or a bracket")
    return value


def _fold(value: str) -> str:
    """A text of several lines on one, as LaTeX and Markdown read it."""
    if re.search(r"\n[ \t]*\n", value.strip()):
        raise ValueError(
            f"got '{short(value)}', which is of several paragraphs; write one: YAML folds lines after >-"
        )
    return " ".join(value.split())


def _check_inside(value: str) -> str:
    steps = value.split("/")
    if (
        "\\" in value
        or any(step in ("", ".", "..") for step in steps)
        or re.match("[A-Za-z]:", value)
    ):
        raise ValueError(
            f"got {value!r}, which leads out of its folder; name it by steps from there, with / between them"
        )
    return value


def _check_path(value: str) -> str:
    if not value.strip():
        raise ValueError(f"got {value!r}; name a file or folder")
    return value


def _check_written(value: str) -> str:
    expanded(value)
    return value


def _check_braces(value: str) -> str:
    if set("{}") & set(value):
        raise ValueError(
            f"got {value!r}, whose braces Snakemake takes for wildcards; rename the file or folder"
        )
    return value


ON_ONE_LINE, WITHIN = AfterValidator(_check_line), AfterValidator(_check_inside)

Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LINE),
    AfterValidator(_check_words),
    AfterValidator(_check_line),
]
"""A few words on one line."""

Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_LABEL),
    AfterValidator(_check_words),
    AfterValidator(_check_line),
    AfterValidator(_check_label),
]
"""What tables and figures call something; rows are told apart by it."""

Sentences = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_CAPTION),
    AfterValidator(_check_words),
    AfterValidator(_fold),
    AfterValidator(_check_line),
]
"""One paragraph, which may be written on several lines."""

Place = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(_check_path),
    AfterValidator(_check_line),
    AfterValidator(_check_written),
]
"""Where a file or folder is, as `cragru.written.paths` reads it."""

InputPlace = Annotated[Place, AfterValidator(_check_braces)]
"""The path of a file, or of a folder of files, that is an input of a rule."""

Inside = Annotated[Place, AfterValidator(_check_inside)]
"""A path inside an archive or a folder, which it does not leave."""
