"""Kinds of tables and figures: each module here is one, found by being here."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, TypeVar, Union

from pydantic import Field

from cragru.config.base import Frozen
from cragru.config.types import Name
from cragru.plan.tables.base import Figure, Shown, Table

Base = TypeVar("Base", bound=Shown)


def _kinds(base: type[Base]) -> Iterator[type[Base]]:
    """Yield the kinds of a base that modules of this package define, in the order of the modules' names."""
    for found in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{found.name}")
        for value in vars(module).values():
            is_own = isinstance(value, type) and value.__module__ == module.__name__
            if is_own and issubclass(value, base) and "kind" in value.model_fields:
                yield value


TABLE_KINDS = tuple(_kinds(Table))
FIGURE_KINDS = tuple(_kinds(Figure))
AnyTable = Annotated[Union[TABLE_KINDS], Field(discriminator="kind")]  # noqa: UP007  the members are only known now
AnyFigure = Annotated[Union[FIGURE_KINDS], Field(discriminator="kind")]  # noqa: UP007


class Tables(Frozen):
    """The file tables.yaml: every table that a run can make, by the name of its target."""

    tables: dict[Name, AnyTable] = Field(description="one table")


class Figures(Frozen):
    """The file figures.yaml: every figure that a run can make, by the name of its target."""

    figures: dict[Name, AnyFigure] = Field(description="one figure")
