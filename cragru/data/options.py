"""Options that loaders share: which files they read, and which column holds what. datasets.yaml is checked by it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cragru.core.errors import CragruError
from cragru.plugins.options import BaseOptions

NAMES_OR_NUMBERS = "names of a header, or numbers from 1 where there is none"  # an advice


class LoaderOptions(BaseOptions):
    """What the options of every loader share."""

    def files(self) -> dict[str, str]:
        """Return the files that options name, by the option: each must be a member of the source."""
        return {}


def _check_column(value: Any) -> Any:
    """Refuse what names no column, at once: a union of types would refuse it once for each type."""
    is_name = isinstance(value, str) and value
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    if not (is_name or is_number):
        raise CragruError("names no column", got=value, advice=f"write {NAMES_OR_NUMBERS}")
    return value


Column = Annotated[str | int, BeforeValidator(_check_column)]


class Columns(BaseOptions):
    """Where a table has what: names of its header, or numbers, from 1, where it has no header."""

    @property
    def named(self) -> dict[str, str | int]:
        """The columns that are there, by what they hold."""
        return self.model_dump(exclude_none=True)

    @model_validator(mode="after")
    def _check_kind(self) -> "Columns":
        if len({type(column) for column in self.named.values()}) > 1:
            raise CragruError("names and numbers", advice=f"write {NAMES_OR_NUMBERS}")
        return self


class WordColumns(Columns):
    """What a table has of items besides their ids; an item without a title has its id for one."""

    title: Column | None = None
    year: Column | None = None
    genres: Column | None = None


class RatingColumns(WordColumns):
    """Columns of interactions; of several rows of an item, the first has its title, year and genres."""

    user: Column
    item: Column
    rating: Column | None = None
    timestamp: Column | None = None


class ItemColumns(WordColumns):
    """Columns of items."""

    item: Column


class UserColumns(Columns):
    """Columns of users."""

    user: Column
    age: Column | None = None
    gender: Column | None = None
    occupation: Column | None = None
    zip: Column | None = None


class TableFile(BaseOptions):
    """A file with a table: text, plain or compressed (``.gz``), or Parquet (``.parquet``).

    Attributes:
        file: Its name.
        columns: Where it has what.
        separator: What stands between the cells of a line.
        encoding: Of a text.
        unknown: Cells that say nothing, as an empty one does, such as ``NULL``.
        rest: Whether the last column is the rest of the line, separators and quotes included.
    """

    file: str = Field(min_length=1)
    columns: Columns = Columns()
    separator: str = Field(default=",", pattern=r"^[^\r\n\"]$")
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    unknown: tuple[str, ...] = Field(default=(), strict=False)  # YAML has lists, no tuples
    rest: bool = False


class Words(BaseOptions):
    """How titles and genres are written.

    Attributes:
        genres_separator: What stands between the genres of an item.
        year_in_title: Whether a title ends in its year, as ``Toy Story (1995)``.
    """

    genres_separator: str = Field(default="|", min_length=1)
    year_in_title: bool = False


class RatingFile(TableFile, Words):
    """A file of interactions."""

    columns: RatingColumns


class ItemFile(TableFile, Words):
    """A file of items."""

    columns: ItemColumns


class UserFile(TableFile):
    """A file of users."""

    columns: UserColumns


class AtomicFields(BaseOptions):
    """What RecBole's atomic files call their fields; of items and users, the usual names are found unless one is given.

    Attributes:
        rating: null where interactions have none.
        timestamp: null where interactions have none.
    """

    user: str = "user_id"
    item: str = "item_id"
    rating: str | None = "rating"
    timestamp: str | None = "timestamp"
    title: str | None = None
    year: str | None = None
    genres: str | None = None
    age: str | None = None
    gender: str | None = None
    occupation: str | None = None
    zip: str | None = None

    def named(self, *roles: str) -> dict[str, str]:
        """Return the names that are given, by what the fields hold."""
        return self.model_dump(include=set(roles), exclude_none=True)


def check_scale(scale: tuple[float, float] | None) -> tuple[float, float] | None:
    """Refuse a scale whose ends are the wrong way round."""
    if scale is not None and scale[0] > scale[1]:
        raise CragruError("the lowest rating comes first", got=list(scale))
    return scale


def without_none(files: Mapping[str, str | None]) -> dict[str, str]:
    """Return the files that there are, by the option that names each."""
    return {key: file for key, file in files.items() if file is not None}
