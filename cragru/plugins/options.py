"""A plug-in's options: what params.yaml may set of a method, partition, strategy or backbone, and how it is read.

A plug-in's module declares ``class Options(BaseOptions)`` with types, ranges and defaults; one without has no options.
The configuration is checked with that class when it is read (`cragru.plan.options`), and the job reads what it was
given with the same class, by the same function.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from cragru.core.errors import CragruError, nearest


class BaseOptions(BaseModel):
    """What the options of every plug-in share.

    They are read-only. An unknown one is an error, for a slip must not run with a default; a number is no text, a
    truth value no number, and a fraction no whole number (but a whole number is a float); numbers are finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    needs: ClassVar[tuple[str, ...]] = ()
    """What an entry must say under `reads`, for the module cannot do without it."""

    def clash(self, backbone: "BaseOptions") -> str | None:
        """What cannot be with a backbone's hyper-parameters: option, value and reason; the backbone's name follows.

        Args:
            backbone: The hyper-parameters on a data set, `cragru.backbones.options.TrainingOptions`.

        Returns:
            None where all can be.
        """
        return None


Options = TypeVar("Options", bound=BaseOptions)


def read_options(
    kind: type[Options], given: Mapping[str, object], where: str | None = None
) -> Options:
    """Read a plug-in's options.

    Args:
        kind: The plug-in's class of options.
        given: The options by name, as params.yaml has them.
        where: The key path that they stand at, for messages; the plug-in's module by default.

    Raises:
        CragruError: With every option that is unknown, missing, of another type or out of range.
    """
    problems = option_lines(where or f"{kind.__module__}: options", wrong_options(kind, given))
    if problems:
        raise CragruError("; ".join(problems))
    return kind.model_validate(dict(given))


def option_lines(where: str, problems: Iterable[tuple[str, str]]) -> list[str]:
    """The problems of `wrong_options`, each with the key path of its option."""
    return [
        f"{where}.{name}: {reason}" if name else f"{where}: {reason}" for name, reason in problems
    ]


def wrong_options(
    kind: type[BaseOptions], given: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """What is wrong with options: the name of each that is, empty where several contradict one another, and why."""
    try:
        kind.model_validate(dict(given))
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            yield ".".join(map(str, problem["loc"])), " ".join(_reason(kind, problem).split())


def _reason(kind: type[BaseOptions], problem: Any) -> str:
    name, got = str(problem["loc"][-1]) if problem["loc"] else "", problem["input"]
    if problem["type"] == "extra_forbidden":
        return f"unknown option ({nearest(name, kind.model_fields)})"
    if problem["type"] == "missing":
        return "missing; add it"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if problem["type"] == "literal_error":
        return f"got {got!r}; {nearest(str(got), get_args(kind.model_fields[name].annotation))}"
    if isinstance(got, str) and problem["type"] in ("int_type", "float_type"):
        return f"got the text {got!r}; {problem['msg']}: without quotes, and 1e-3 as 1.0e-3, which YAML takes for one"
    return f"got {got!r}; {problem['msg']}"
