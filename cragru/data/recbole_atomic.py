"""Read a data set in RecBole's atomic files: `.inter`, and perhaps `.item` and `.user`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from cragru.core.errors import CragruError
from cragru.data.columns import TableColumns
from cragru.data.frames import PROFILE, RawTables
from cragru.data.options import (
    AtomicFields,
    LoaderOptions,
    TableFile,
    Words,
    check_scale,
    without_none,
)
from cragru.data.own_tables import tables_of

TYPES = ("token", "token_seq", "float", "float_seq")
OF_ITEMS = {
    "title": ("movie_title", "title", "name"),
    "year": ("release_year", "year"),
    "genres": ("class", "genre", "genres", "categories"),
}
OF_USERS = {name: (name,) for name in PROFILE} | {"zip": ("zip_code", "zip")}
"""Usual names of fields."""


class Options(LoaderOptions):
    """Which files there are, and what they call their fields.

    Attributes:
        inter: The interactions.
        item: Titles, years and genres.
        user: Age, gender, occupation and zip code.
        fields: Names of fields that are not the usual ones.
        separator: What stands between fields.
        sequence_separator: What stands between the parts of a sequence, such as genres.
        scale: The lowest and the highest rating; unless given, those that are there.
    """

    inter: str
    item: str | None = None
    user: str | None = None
    fields: AtomicFields = AtomicFields()
    separator: str = Field(default="\t", pattern=r"^[^\r\n]$")
    sequence_separator: str = Field(default=" ", min_length=1)
    scale: Annotated[
        tuple[float, float] | None, Field(strict=False), AfterValidator(check_scale)
    ] = None

    def files(self) -> dict[str, str]:
        """Return the files that options name, by the option."""
        return without_none({"inter": self.inter, "item": self.item, "user": self.user})


def load(folder: Path, options: Options) -> RawTables:
    """Read the atomic files that the options name.

    Returns:
        The checked tables. Ids are whole numbers where all are, else text.

    Raises:
        CragruError: If a file is missing or empty, a field is missing or has no type of RecBole's, a cell is not what
            its field holds, a rating is off the scale, or an id is unknown or there twice.
    """
    fields = options.fields

    def read(
        file: str | None, roles: Sequence[str], usual: Mapping[str, Sequence[str]]
    ) -> TableColumns | None:
        if file is None:
            return None
        how = TableFile(file=file, separator=options.separator)
        return TableColumns(folder, how, fields.named(*roles), usual, _field, has_quotes=False)

    ratings = read(options.inter, ("user", "item", "rating", "timestamp"), {})
    items = read(options.item, ("item", *OF_ITEMS), OF_ITEMS)
    users = read(options.user, ("user", *OF_USERS), OF_USERS)
    words = Words(genres_separator=options.sequence_separator)
    return tables_of(ratings, items, users, words, options.scale)


def _field(cell: str) -> str:
    """Return the name of a cell of the header, ``NAME:TYPE``."""
    name, _, kind = cell.rpartition(":")
    if not name or kind not in TYPES:
        raise CragruError("no NAME:TYPE", got=cell, allowed=[f"NAME:{one}" for one in TYPES])
    return name
