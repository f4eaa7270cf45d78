"""The shape of a record: what a JSON file that a job has written must hold before another job reads it.

What people write is checked by pydantic (`cragru.config`). Every job reads records, those of tables too, so msgspec
checks them: it is imported four times as fast.
"""

from typing import Any, TypedDict

import msgspec

Shape = Any
"""A type, such as `dict[str, int]`; a dict of shapes: an object with at least these keys; a list of one shape."""

_TYPES: dict[str, Any] = {}


def misfit(value: Any, shape: Shape) -> str | None:
    """Say where parsed JSON has not the shape that it must have, and what was expected; None where it fits."""
    name = repr(shape)
    if name not in _TYPES:
        _TYPES[name] = _typed(shape)
    try:
        msgspec.convert(value, _TYPES[name])
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _typed(shape: Shape) -> Any:
    """Return a shape as msgspec knows it."""
    if isinstance(shape, dict):
        return TypedDict("Object", {key: _typed(inner) for key, inner in shape.items()})
    return list[_typed(shape[0])] if isinstance(shape, list) else shape
