"""Read a data set of one's own: a table of interactions as CSV or Parquet, and perhaps tables of items and users."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cragru.core.errors import CragruError
from cragru.data.columns import TableColumns
from cragru.data.frames import RawTables
from cragru.data.options import (
    ItemFile,
    LoaderOptions,
    RatingFile,
    UserFile,
    check_scale,
    without_none,
)
from cragru.data.own_tables import tables_of


class Options(LoaderOptions):
    """Which files there are, and which column holds what.

    Attributes:
        ratings: The interactions.
        items: Titles, years and genres; without this file, those that `ratings` has, or none.
        users: Age, gender, occupation and zip code.
        scale: The lowest and the highest rating; unless given, those that are there.
    """

    ratings: RatingFile
    items: ItemFile | None = None
    users: UserFile | None = None
    scale: Annotated[
        tuple[float, float] | None, Field(strict=False), AfterValidator(check_scale)
    ] = None

    def files(self) -> dict[str, str]:
        """Return the files that options name, by the option."""
        tables = {"ratings": self.ratings, "items": self.items, "users": self.users}
        return without_none(
            {f"{key}.file": one.file if one else None for key, one in tables.items()}
        )

    @model_validator(mode="after")
    def _check_words(self) -> "Options":
        own = [name for name in ("title", "year", "genres") if name in self.ratings.columns.named]
        if own and self.items:
            raise CragruError(
                "`items` has these", place="ratings.columns", got=own, advice="keep one place"
            )
        return self


def load(folder: Path, options: Options) -> RawTables:
    """Read the files that the options name.

    Returns:
        The checked tables. Ids are whole numbers where all are, else text.

    Raises:
        CragruError: If a file is missing, empty or no table, a column is missing, a cell is not what its column holds,
            a rating is off the scale, or an id is unknown or there twice.
    """
    ratings, items, users = (
        TableColumns(folder, one, one.columns.named) if one else None
        for one in (options.ratings, options.items, options.users)
    )
    words = options.items or options.ratings
    return tables_of(ratings, items, users, words, options.scale)
