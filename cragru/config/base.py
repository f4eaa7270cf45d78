"""What every configuration file shares: frozen models, and errors that name the key, what it got and what to do."""

from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from cragru.errors import CragruError, nearest


class Frozen(BaseModel):
    """A configuration section: read-only, and a key that it does not know is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=Frozen)
Entry = TypeVar("Entry", bound=Frozen)

LONGEST = 80  # characters of a wrong value that a message shows


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file.

    Raises:
        CragruError: If it is missing, unreadable or not YAML (with line and column).
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CragruError(f"{path}: no such configuration file; name an existing one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CragruError(f"{path}: not a readable text file ({error})") from error
    except yaml.YAMLError as error:
        raise CragruError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


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
    got = repr(problem["input"])
    return f"{key}got {got if len(got) <= LONGEST else got[:LONGEST] + '…'}; {problem['msg']}"


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
        steps.append(str(part))
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
