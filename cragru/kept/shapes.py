"""The shape of a record: what a JSON file that a job has written must hold before another job reads it.

What people write is checked by pydantic (`cragru/config/`). A record is read by every job, of tables too, and to import
pydantic takes longer than the whole check.
"""

from dataclasses import dataclass
from typing import Any

Shape = Any
"""A type; a dict of shapes: an object with at least these keys; a list of one shape; `Each`; a tuple of choices."""

SHOWN = 60  # characters of a wrong value in a message
WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


@dataclass(frozen=True)
class Each:
    """An object with any keys, whose every value has this shape."""

    shape: Shape


def misfit(value: Any, shape: Shape, where: str = "") -> str | None:
    """Say where a value has not the shape that it must have.

    Args:
        value: Parsed JSON.
        shape: What it must be.
        where: The key path of the value in its file.

    Returns:
        The key path, what was got and what is expected, or None where the value fits.
    """
    if isinstance(shape, tuple):
        fits = any(misfit(value, one, where) is None for one in shape)
        return None if fits else _told(where, value, shape)
    if isinstance(shape, dict):
        return _misfit_of_object(value, shape, where)
    if isinstance(shape, Each):
        if not isinstance(value, dict):
            return _told(where, value, dict)
        return _first(misfit(one, shape.shape, _step(where, key)) for key, one in value.items())
    if isinstance(shape, list):
        if not isinstance(value, list):
            return _told(where, value, list)
        return _first(
            misfit(one, shape[0], f"{where}[{number}]") for number, one in enumerate(value)
        )
    return None if _is_a(value, shape) else _told(where, value, shape)


def _misfit_of_object(value: Any, shape: dict[str, Shape], where: str) -> str | None:
    if not isinstance(value, dict):
        return _told(where, value, dict)
    missing = [key for key in shape if key not in value]
    if missing:
        return f"{_step(where, missing[0])}: missing"
    return _first(misfit(value[key], one, _step(where, key)) for key, one in shape.items())


def _is_a(value: Any, kind: type) -> bool:
    """Whether a value is of a JSON type; true and false are no numbers, and a whole number is a number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _told(where: str, value: Any, shape: Shape) -> str:
    kinds = shape if isinstance(shape, tuple) else (shape,)
    expected = " or ".join(WORDS.get(kind, "another shape") for kind in kinds)
    got = repr(value)
    short = got if len(got) <= SHOWN else f"{got[:SHOWN]}…"
    return f"{where or 'the whole'}: got {short}, expected {expected}"


def _step(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _first(found: Any) -> str | None:
    return next((one for one in found if one is not None), None)
