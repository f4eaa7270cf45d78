"""Types of text that more than one configuration file has."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from cragru.paths import expanded

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]
"""One step of a path: no `_`, no `/`."""

LowerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""The name of a data set or of one of its sources: a step of a path that is lower-case and has no dot."""

Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
"""The full name of a Python module."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A checksum: 64 lower-case hex digits."""


def _check_written(value: str) -> str:
    expanded(value)
    return value


Place = Annotated[str, StringConstraints(min_length=1), AfterValidator(_check_written)]
"""Where a file or folder is, as `cragru.paths` reads it."""
