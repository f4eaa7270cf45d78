"""The options of plug-ins: what params.yaml may set of a method, partition, strategy or backbone.

A plug-in's module declares ``class Options(BaseOptions)`` with types, ranges and defaults; one without has no options.
The configuration is checked with that class (`cragru.plan.options`), and the job reads its options with the same class.
"""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cragru.core.errors import Problem
from cragru.plugins.explained import parse, problems_of


class BaseOptions(BaseModel):
    """What the options of every plug-in share.

    They are read-only. An unknown one is an error, for a slip must not run with a default; a number is no text, a
    truth value no number, and a fraction no whole number (but a whole number is a float); numbers are finite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    needs: ClassVar[tuple[str, ...]] = ()
    """What an entry must say under `reads`, for the module cannot do without it."""

    def clash(self, backbone: "BaseOptions") -> Problem | None:
        """Return what cannot be with a backbone, the option as its place; None where all can be.

        Args:
            backbone: Its hyper-parameters on a data set, `cragru.backbones.options.TrainingOptions`.
        """
        return None


Options = TypeVar("Options", bound=BaseOptions)


def read_options(kind: type[Options], given: Mapping[str, object]) -> Options:
    """Read a plug-in's options, which are given by name as params.yaml has them.

    Raises:
        CragruError: With every option that is unknown, missing, of another type or out of range.
    """
    return parse(kind, dict(given), kind.__module__)


def wrong_options(kind: type[BaseOptions], given: Mapping[str, object]) -> list[Problem]:
    """Return what is wrong with options: the place is an option's name, or empty where several contradict."""
    try:
        kind.model_validate(dict(given))
    except ValidationError as error:
        return problems_of(kind, error)
    return []
