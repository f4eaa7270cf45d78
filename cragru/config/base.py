"""What every configuration file shares: frozen models, and errors that name the key, what it got and what to do."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from cragru.core.errors import CragruError, excerpt, nearest, short
from cragru.written.yaml_text import load_yaml as load_yaml  # how configuration files are read


class Frozen(BaseModel):
    """A configuration section: read-only, and a key that it does not know is an error, never ignored.

    A text is no number, and a truth value neither; numbers are finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=Frozen)
Entry = TypeVar("Entry", bound=Frozen)


def named(entries: Mapping[str, Entry], name: str, what: str) -> Entry:
    """The entry of a registry called `name`.

    Args:
        entries: All of them.
        name: Of one.
        what: What they are, for the message.

    Raises:
        CragruError: If there is none; the message has the nearest name.
    """
    if name not in entries:
        hint = nearest(name, entries)
        raise CragruError(
            f"{name!r}: unknown {what} ({hint}); name one of these or add it to the registry"
        )
    return entries[name]


def parse(model: type[Model], data: Any, where: str) -> Model:
    """Check `data` against `model` and report every problem at once.

    Args:
        model: The configuration section.
        data: What the file holds.
        where: The file's name, for the message.

    Raises:
        CragruError: One line that names each key path, what was got and what is allowed.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            _explain(model, problem) for problem in error.errors(include_url=False)
        )
        raise CragruError(f"{where}: {' '.join(problems.split())}") from error


def _explain(model: type[BaseModel], problem: Any) -> str:
    path, section = _place(model, problem["loc"])
    key = f"{path}: " if path else ""
    if problem["type"] == "extra_forbidden":
        return f"{key}unknown key ({nearest(str(problem['loc'][-1]), section.model_fields)})"
    if problem["type"] == "missing":
        return f"{key}missing; add it"
    if problem["type"] == "union_tag_not_found":
        return f"{path}.kind: missing; add it"
    if problem["type"] == "value_error":
        return f"{key}{problem['ctx']['error']}"
    return f"{key}got {excerpt(problem['input'])}; {problem['msg']}{_advice(problem)}"


def _advice(problem: Any) -> str:
    """What to do about a value of another type than it was meant as."""
    if problem["type"] == "string_type" and isinstance(problem["input"], int | float):
        return ": put it in quotes"
    if problem["type"] in ("int_type", "float_type") and isinstance(problem["input"], str):
        return ": without quotes, and 1e-3 as 1.0e-3, which YAML takes for a number"
    return ""


def _place(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, type[BaseModel]]:
    """Where a problem is: its key path as the file has it, and the innermost section on that path.

    Pydantic's location has steps that the file has not: the `kind` of a union's member, the type tried, ``[key]``.
    """
    steps: list[str] = []
    section, expected = model, model
    for part in location:
        expected = _bare(expected)
        if part == "[key]":
            break
        if _is_section(expected):
            section, field = expected, expected.model_fields.get(part)
            expected = field.annotation if field else None
        elif get_origin(expected) in (dict, list, tuple):
            expected = get_args(expected)[1 if get_origin(expected) is dict else 0]
        else:
            expected = next(
                (member for member in get_args(expected) if _is_kind(member, part)), None
            )
            continue
        steps.append(short(str(part)))
    return ".".join(steps), section


def _bare(annotation: Any) -> Any:
    """A type without `Annotated` and `| None`, which are no steps of a location."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    members = [member for member in get_args(annotation) if member is not NoneType]
    return (
        _bare(members[0])
        if get_origin(annotation) in (Union, UnionType) and len(members) == 1
        else annotation
    )


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_kind(annotation: Any, kind: int | str) -> bool:
    field = annotation.model_fields.get("kind") if _is_section(annotation) else None
    return field is not None and kind in get_args(field.annotation)
