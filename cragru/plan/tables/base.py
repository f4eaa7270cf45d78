"""The contract of a kind of table or figure: what an entry says, which rows it has, and what must hold for it."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, PositiveInt

from cragru.config.base import Frozen
from cragru.config.types import Anchor, InputPlace, Name, Sentences, distinct
from cragru.core.errors import Problem
from cragru.core.names import LABELS, LISTWISE
from cragru.evaluation.metrics import CUTOFFS
from cragru.llm.base import LETTERS
from cragru.plan.rows import Row
from cragru.plan.run import Run
from cragru.written.printed import PrintedColumns

Entries = Mapping[str, "Table"]
"""All of tables.yaml, by name: a table may take numbers from another."""

LeastUsers = Annotated[int, Field(ge=2, description="a number of fewer users is blank")]
OfProtocol = Annotated[
    Name, Field(description="the protocol that it is of, by its name in protocols.yaml")
]
Mask = Annotated[
    Literal["A", "B"],
    Field(
        description="what lists leave out: A: training and validation rows; B: the forgotten rows, too"
    ),
]
Cutoffs = Annotated[
    list[PositiveInt],
    Field(min_length=1, description="each K: how many items of a list count"),
    AfterValidator(distinct),
]


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

    times: ClassVar[bool] = False
    """Whether it shows what requests of its protocol take."""

    caption: Sentences = Field(description="one paragraph that says what is shown")

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
        """Return its rows, as it shows them; none where the run lacks what it is made of."""

    def tested_rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the rows whose differences are tested beside it; none where it has no such tests."""
        return []

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what its maker calls things in the caption and in notes."""
        return {}

    def tables(self) -> dict[str, str]:
        """Return names of the tables that it takes numbers from, by what its maker calls them."""
        return {}

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """Yield what is wrong with the entry, whether the run shows it or not, by its key."""
        return iter(())

    def run_problems(self, run: Run, tables: Entries, name: str) -> Iterator[Problem]:
        """Yield what is wrong with a run that shows it as `name`, by the whole key."""
        return iter(())


class Table(Shown):
    """A table: one entry of tables.yaml."""

    label: Anchor = Field(description="what LaTeX refers to it by")
    compact: bool = Field(
        default=False,
        description="LaTeX as one table whatever its size, without what is in brackets and without notes; "
        "false: in parts whose letters can be read",
    )


class PrintedTable(Table):
    """A table that the paper has, too."""

    paper_columns: ClassVar[PrintedColumns]
    """Columns of its file of printed values."""

    paper: InputPlace | None = Field(default=None, description="CSV of printed values")

    @property
    def printed_values(self) -> str | None:
        """See `Shown`."""
        return self.paper


class Figure(Shown):
    """A figure: one entry of figures.yaml."""


class AgainstRetrain(Shown):
    """A table or figure of many users, after one request, that is held against further Retrains."""

    protocol: OfProtocol

    def problems(self, run: Run, tables: Entries) -> Iterator[Problem]:
        """See `Shown`."""
        yield from not_forget_first(run, self.protocol)


def unknown_names(
    place: str, names: Iterable[str], known: Collection[str], advice: str = "name one of these"
) -> Iterator[Problem]:
    """Yield names that are defined nowhere."""
    for name in names:
        if name not in known:
            yield Problem("unknown name", place, name, known, advice)


def unknown_protocol(run: Run, protocol: str) -> Iterator[Problem]:
    """Yield a protocol that there is not."""
    return unknown_names("protocol", [protocol], run.protocols)


def not_forget_first(run: Run, protocol: str) -> Iterator[Problem]:
    """Yield a protocol that there is not, or that does not forget before it splits: many users need one that does."""
    known = run.protocols_that("forget-first")
    if protocol not in known:
        yield Problem("no protocol that forgets first", "protocol", protocol, known)


def unknown_cutoffs(cutoffs: Iterable[int], key: str = "cutoffs") -> Iterator[Problem]:
    """Yield cut-offs that are not evaluated."""
    wrong = sorted(set(cutoffs) - set(CUTOFFS))
    if wrong:
        yield Problem("no such cut-offs", key, wrong, list(map(str, CUTOFFS)))


def wrong_table(tables: Entries, key: str, name: str, kind: type[Table]) -> Iterator[Problem]:
    """Yield a table that another takes numbers from and that is not of the right kind."""
    right = [other for other, table in tables.items() if isinstance(table, kind)]
    if name not in right:
        yield Problem("no table of that kind", key, name, right)


def wrong_form(run: Run, place: str, llm: str | None, form: str) -> Iterator[Problem]:
    """Yield a form of scoring that an LLM cannot answer in, or that the run's candidates are too many for."""
    entry, wanted = run.llms.llms.get(llm), run.settings.retrieval.candidates
    if entry and entry.source.is_remote and form != LISTWISE:
        what = f"{llm} is a server, which writes answers and shows nothing else"
        advice = "take that one, or a model that is not a server's"
        yield Problem(what, place, form, [LISTWISE], advice=advice)
    if form == LABELS and wanted > len(LETTERS):
        what = f"labels are letters, of which there are {len(LETTERS)}, for {wanted} candidates"
        yield Problem(what, place, form, advice="take another, or fewer retrieval.candidates")


def lacks(
    place: str, name: str, known: Collection[str], why: str, advice: str = "add it"
) -> Iterator[Problem]:
    """Yield that a name is not there which must be."""
    if name not in known:
        yield Problem(f"lacks {name!r}, {why}", place, advice=advice)
