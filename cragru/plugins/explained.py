"""Explain what pydantic refuses: one problem for each key of a configuration section or of a plug-in's options."""

import re
from collections.abc import Iterable
from dataclasses import replace
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from cragru.core.errors import CragruError, Problem, short

Model = TypeVar("Model", bound=BaseModel)

NO_QUOTES = "write it without quotes"
HEX = r"\^\[0-9a-f\]\{\d+\}\$"  # the pattern of a checksum or a commit


def parse(model: type[Model], data: Any, where: str) -> Model:
    """Check data against a model, as `plain` reads them, and report every problem at once.

    Raises:
        CragruError: With a problem for each key; the places begin with `where`.
    """
    try:
        return model.model_validate(plain(model, data))
    except ValidationError as error:
        raise CragruError.of(problems_of(model, error)).within(where) from error


def plain(model: type[BaseModel], data: Any) -> Any:
    """Return data as a model wants them: numbers without fraction are whole, as in JSON; hex digits are lower-case."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            value = _plain_value(one)
            if value is not None:
                data = _replaced(data, one["loc"], one["input"], value)
    return data


def _plain_value(one: Any) -> int | str | None:
    """Return what a refused value stands for; None where it is wrong."""
    got, pattern = one["input"], str(one.get("ctx", {}).get("pattern"))
    if one["type"] == "int_type" and isinstance(got, float) and got.is_integer():
        return int(got)
    is_hex = one["type"] == "string_pattern_mismatch" and re.fullmatch(HEX, pattern)
    return got.lower() if is_hex and re.fullmatch(pattern, got.lower()) else None


def _replaced(data: Any, location: tuple[int | str, ...], old: Any, new: Any) -> Any:
    """Return a copy of data with another value at pydantic's location, some of whose steps data do not have."""
    if not location:
        return new if data is old else data
    step, rest = location[0], location[1:]
    keys = data if isinstance(data, dict) else range(len(data) if isinstance(data, list) else 0)
    if step in keys:
        inner = _replaced(data[step], rest, old, new)
        if inner is not data[step]:
            copy = data.copy()
            copy[step] = inner
            return copy
    return _replaced(data, rest, old, new)


def problems_of(model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """Return what is wrong with the data of a model; the places are key paths.

    A validator raises a `CragruError`, or a plain ValueError where the value may be a secret: then it is not shown.
    """
    problems = []
    for one in error.errors(include_url=False):
        key, section = _place(model, one["loc"])
        problems += [problem.under(key) for problem in _problems(one, section)]
    return problems


def _problems(one: Any, section: type[BaseModel]) -> Iterable[Problem]:
    """Return the problems of one key: a validator may find several."""
    got, details = one["input"], one.get("ctx", {})
    match one["type"]:
        case "extra_forbidden":
            return [Problem("unknown key", got=str(one["loc"][-1]), allowed=section.model_fields)]
        case "missing":
            return [Problem("missing", advice="add it")]
        case "union_tag_not_found":
            return [Problem("missing", "kind", advice="add it")]
        case "union_tag_invalid":
            return [Problem("", "kind", details["tag"], _names(details["expected_tags"]))]
        case "literal_error":
            return [Problem(got=got, allowed=_names(details["expected"]))]
        case "value_error":
            return _told(details["error"], got)
        case "string_type" if isinstance(got, int | float):
            return [Problem(one["msg"], got=got, advice="put it in quotes")]
        case "int_type" | "float_type" if isinstance(got, str):
            return [Problem(one["msg"], got=got, advice=NO_QUOTES)]
    return [Problem(one["msg"], got=got)]


def _told(error: ValueError, got: Any) -> Iterable[Problem]:
    """Return what a validator tells; it need not repeat a value that is a text or a number."""
    if not isinstance(error, CragruError):
        return [Problem(str(error))]
    if isinstance(got, str | float | int):
        return [one if one.place else replace(one, got=got) for one in error.problems]
    return error.problems


def _names(listing: str) -> list[str]:
    """Return the names of a listing of pydantic's: ``'a', 'b' or 'c'``."""
    return re.findall("'(.*?)'", listing)


def _place(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, type[BaseModel]]:
    """Return a key path as the file has it, and the innermost section on that path.

    Pydantic's location has steps that the file has not: the `kind` of a union's member, and ``[key]``.
    """
    steps, section, expected = [], model, model
    for part in location:
        expected = _bare(expected)
        if part == "[key]":
            break
        if hasattr(expected, "model_fields"):
            section, field = expected, expected.model_fields.get(part)
            expected = field.annotation if field else None
        elif get_origin(expected) in (dict, list, tuple):
            expected = get_args(expected)[get_origin(expected) is dict]
        else:
            members = (member for member in get_args(expected) if _is_kind(member, part))
            expected = next(members, None)
            continue
        steps.append(short(str(part)))
    return ".".join(steps), section


def _bare(annotation: Any) -> Any:
    """Return a type without `Annotated` and `| None`, which are no steps of a location."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    members = [member for member in get_args(annotation) if member is not NoneType]
    is_union = get_origin(annotation) in (Union, UnionType)
    return _bare(members[0]) if is_union and len(members) == 1 else annotation


def _is_kind(member: Any, kind: int | str) -> bool:
    field = getattr(member, "model_fields", {}).get("kind")
    return field is not None and kind in get_args(field.annotation)
