"""The contract of a kind of table or figure: what an entry says, which rows it has, and what must hold for it."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, PositiveInt, ValidationError

from cragru.config.base import Frozen
from cragru.config.models import MethodEntry
from cragru.config.types import Anchor, InputPlace, Name, Sentences, distinct
from cragru.core.errors import CragruError, nearest
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.evaluation.metrics import CUTOFFS
from cragru.plan.rows import Row
from cragru.plan.run import Run
from cragru.plugins.options import BaseOptions
from cragru.plugins.source import options_of
from cragru.written.printed import PrintedColumns, printed_values

LeastUsers = Annotated[int, Field(ge=2, description="a number of fewer users is blank")]
Mask = Literal["A", "B"]
Cutoffs = Annotated[list[PositiveInt], Field(min_length=1), AfterValidator(distinct)]
Entries = Mapping[str, "Table"]  # of tables.yaml, for a table that takes numbers from another
Problem = tuple[
    str, str
]  # a key of an entry, or of the run's configuration, and what is wrong with it


class Shown(Frozen):
    """What a run shows: a table or a figure. A kind is a subclass in a module of this package.

    Rows are the one list of what is shown: the files that a table is made of, what an LLM has to answer, and what
    certificates speak of are derived from them.
    """

    maker: ClassVar[str]
    """The module under `cragru.reporting` that makes it of its rows."""

    needs_llm: ClassVar[bool] = False
    """Whether it is nothing without an LLM."""

    compares: ClassVar[bool] = False
    """Whether it is of backbones to compare on."""

    caption: Sentences

    @property
    def is_tested(self) -> bool:
        """Whether differences between rows are tested beside it."""
        return False

    @property
    def printed_values(self) -> str | None:
        """The file of the paper's printed values, if it has one."""
        return None

    @abstractmethod
    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Its rows, in order.

        Raises:
            CragruError: If the run lacks what it is made of.
        """

    def tested_rows(self, run: Run, tables: Entries) -> list[Row]:
        """Rows whose differences are tested beside it; none where it has no such tests."""
        return []

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """What its maker calls things in the caption and in notes."""
        return {}

    def tables(self) -> dict[str, str]:
        """Names of the tables that it takes numbers from, by what its maker calls them."""
        return {}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """What is wrong with the entry, whether the run shows it or not, by its key."""
        return iter(())

    def run_problems(self, run: Run, name: str) -> Iterator[Problem]:
        """What is wrong with a run that shows it as `name`, by the key of the run's configuration."""
        return iter(())

    def entry_problems(self, tables: Entries) -> Iterator[Problem]:
        """What is wrong with the entry in a run that shows it, by its key."""
        return iter(())


class Table(Shown):
    """A table: one entry of tables.yaml."""

    label: Anchor


class PrintedTable(Table):
    """A table that the paper has, too."""

    paper_columns: ClassVar[PrintedColumns]
    """Columns of its file of printed values."""

    paper: InputPlace | None = Field(default=None, description="CSV of printed values")

    @property
    def printed_values(self) -> str | None:
        """See `Shown`."""
        return self.paper

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """A file of printed values must be one that the maker can read."""
        file = None if self.paper is None else Path(run.file(self.paper))
        if file is None or not file.is_file():
            return
        try:
            printed_values(file, self.paper_columns)
        except CragruError as error:
            yield "paper", str(error)


class Figure(Shown):
    """A figure: one entry of figures.yaml."""


class AgainstReplicate(Shown):
    """A table or figure of many users that is held against Retrain with other random streams."""

    protocol: Name
    replicate: Name = Field(
        description="the method that is Retrain with other random streams: what Retrain itself is held against"
    )

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from unknown_protocol(run, self.protocol)
        yield from wrong_replicate(run, self.replicate)
        yield from not_forget_first(run, self.protocol)

    def run_problems(self, run: Run, name: str) -> Iterator[Problem]:
        """See `Shown`."""
        yield from replicate_in_run(run, name, self.replicate)


def unknown_protocol(run: Run, protocol: str) -> Iterator[Problem]:
    """A protocol must be one that there is."""
    if protocol not in run.protocols:
        yield "protocol", f"unknown name {protocol!r} ({nearest(protocol, run.protocols)})"


def not_forget_first(run: Run, protocol: str) -> Iterator[Problem]:
    """What is of many users needs a protocol that forgets before it splits."""
    if protocol in run.protocols and run.protocols[protocol].order != "forget-first":
        order = run.protocols[protocol].order
        yield "protocol", f"got {protocol!r}, which is {order}; it needs one that is forget-first"


def unknown_cutoffs(cutoffs: Collection[int], key: str = "cutoffs") -> Iterator[Problem]:
    """Cut-offs must be among those that are evaluated."""
    wrong = [k for k in cutoffs if k not in CUTOFFS]
    if wrong:
        yield key, f"got {wrong}; allowed: {', '.join(map(str, CUTOFFS))}"


def wrong_replicate(run: Run, replicate: str) -> Iterator[Problem]:
    """Retrain with other random streams is Retrain's module with other options; all else is no measure of chance."""
    methods = run.params.methods
    yield from unknown_methods(run, "replicate", [replicate])
    if replicate not in methods or RETRAIN not in methods:
        return
    own, retrain = methods[replicate], methods[RETRAIN]
    if not _is_replicate(own, retrain):
        right = [name for name, entry in methods.items() if _is_replicate(entry, retrain)]
        yield (
            "replicate",
            f"got {replicate!r}, which is not Retrain with other random streams ({nearest(replicate, right)})",
        )


def unknown_methods(run: Run, key: str, names: Collection[str]) -> Iterator[Problem]:
    """Methods must be in params.yaml."""
    for name in names:
        if name not in run.params.methods:
            yield key, f"unknown name {name!r} ({nearest(name, run.params.methods)})"


def _is_replicate(entry: MethodEntry, retrain: MethodEntry) -> bool:
    """Whether an entry is Retrain with other options: a seed offset of 0 is the default, and no other one."""
    if entry.module != retrain.module:
        return False
    try:
        kind = options_of(entry.module) or BaseOptions
        own, others = (kind.model_validate(one.options) for one in (entry, retrain))
    except (CragruError, ValidationError):
        return True  # told of the options themselves
    return own != others or entry.overrides != retrain.overrides


def wrong_table(
    tables: Entries, key: str, name: str, is_right: Callable[[Any], bool]
) -> Iterator[Problem]:
    """A table that another takes numbers from must be of the right kind."""
    if name not in tables or not is_right(tables[name]):
        right = [other for other, table in tables.items() if is_right(table)]
        yield key, f"got {name!r}, which is no table of that kind ({nearest(name, right)})"


def replicate_in_run(run: Run, name: str, replicate: str | None) -> Iterator[Problem]:
    """Retrain with other random streams is trained for what is held against it, and is no row."""
    if replicate in run.settings.methods:
        yield (
            "methods",
            f"got {replicate!r}, which {name} holds Retrain against; it is trained without being a row",
        )


def lacks_retrain(run: Run, why: str) -> Iterator[Problem]:
    """What is held against Retrain needs it in the run."""
    if RETRAIN not in run.settings.methods:
        yield "methods", f"lacks {RETRAIN!r}, which {why}"


def lacks_original(run: Run, name: str) -> Iterator[Problem]:
    """What takes CRAGRU as the paper has it needs the original model's candidates."""
    if ORIGINAL not in run.settings.retrieval.candidates_of:
        yield (
            "retrieval.candidates_of",
            f"lacks {ORIGINAL!r}, whose candidates {name} is of; add it",
        )


def needing_llm() -> CragruError:
    """The error of a target that has no row without an LLM."""
    return CragruError(
        "needs an LLM and a backbone to compare on; set scoring.llm and scoring.compare_on"
    )
