"""A method's options from params.yaml, checked against the fields that its module reads."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TypeVar

from cragru.errors import CragruError, nearest

Options = TypeVar("Options")
SHARD_OPTIONS = (
    "shards",
    "learning_rate",
    "steps",
    "least_batch",
)  # what shards are trained with: `sharding.ShardOptions`
NUMBERS = {float: (int, float), int: (int,), str: (str,), bool: (bool,)}


def read_options(kind: type[Options], given: Mapping[str, object], where: str) -> Options:
    """Fill a dataclass of options.

    Args:
        kind: The dataclass; a field without a default must be given.
        given: The options.
        where: Whose they are, for messages.

    Raises:
        CragruError: If an option is unknown, missing, or of another type: a slip must not run with a default.
    """
    known = {field.name: field for field in fields(kind)}
    for name, value in given.items():
        if name not in known:
            raise CragruError(f"{where}: unknown option {name!r} ({nearest(name, known)}); see config/params.yaml")
        wanted = known[name].type
        if not isinstance(value, NUMBERS[wanted]) or (isinstance(value, bool) and wanted is not bool):
            raise CragruError(f"{where}: option {name} is {value!r}; it must be of type {wanted.__name__}")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if missing:
        raise CragruError(f"{where}: option {missing[0]!r} is missing; give it in config/params.yaml")
    return kind(**{name: known[name].type(value) for name, value in given.items()})


def require_options(where: str, options: object, allowed: Mapping[str, tuple[bool, str]]) -> None:
    """Check the ranges of a method's options.

    Args:
        where: The method's name, for messages.
        options: Its options.
        allowed: For each field whether its value is right, and what is.

    Raises:
        CragruError: For the first that is not.
    """
    for name, (right, what) in allowed.items():
        if not right:
            got = getattr(options, name)
            raise CragruError(f"{where}: option {name} is {got}, must be {what}; set it in config/params.yaml")
