"""What every configuration file shares: frozen models, and errors that name the key, what it got and what to do."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from cragru.errors import CragruError, nearest


class Frozen(BaseModel):
    """A configuration section: read-only, and a key that it does not know is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Model = TypeVar("Model", bound=Frozen)


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file.

    Raises:
        CragruError: If it is missing or not YAML (with line and column).
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CragruError(f"{path}: no such configuration file; name an existing one") from error
    except yaml.YAMLError as error:
        raise CragruError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


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
        problems = "; ".join(_explain(model, problem) for problem in error.errors(include_url=False))
        raise CragruError(f"{where}: {problems}") from error


def _explain(model: type[BaseModel], problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        section = _section(model, problem["loc"][:-1])
        hint = nearest(str(problem["loc"][-1]), section.model_fields) if section else "remove it"
        return f"{key}: unknown key ({hint})"
    if problem["type"] == "missing":
        return f"{key}: missing; add it"
    if problem["type"] == "value_error":
        return f"{key}: {problem['ctx']['error']}" if key else str(problem["ctx"]["error"])
    return f"{key}: got {problem['input']!r}; {problem['msg']}"


def _section(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that the key path ends in, through lists, mappings and optional sections; None where it is lost."""
    for part in path:
        if isinstance(part, int) or part not in model.model_fields:
            continue  # an index or a mapping's key: the section's type was already found at the field
        found = _model_in(model.model_fields[part].annotation)
        if found is None:
            return None
        model = found
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
