"""Prompts of a cohort from ids: what a line of a user's history and of the candidates says, and in which order."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter

import pandas as pd

from cragru.core.errors import CragruError, Problems
from cragru.core.place import PathLike
from cragru.core.seeds import numpy_stream
from cragru.data.frames import ITEMS, NOBODYS, USERS
from cragru.kept.files import read_parquet, read_record
from cragru.llm.answers import longest_answer
from cragru.llm.prompts import (
    FEWER,
    Lines,
    Movie,
    Parts,
    Template,
    fit_prompt,
    natural_title,
    profile_sentence,
    render,
    scaled,
)
from cragru.llm.records import PromptRecord

PAPER_LINES = Lines()


class Library:
    """The data set's words: movies by item, sentences by user, ratings by row."""

    def __init__(
        self,
        items: pd.DataFrame,
        users: pd.DataFrame,
        scale: tuple[float, float],
        show_ratings: bool,
        natural_titles: bool = False,
        lines: Lines = PAPER_LINES,
    ) -> None:
        """Take up the prepared frames `ITEMS` and `USERS` (`cragru.data.frames`), and the lowest and highest rating."""
        self.movies = movies_of(items, natural_titles)
        self._profiles = list(
            map(profile_sentence, users["age"], users["gender"], users["occupation"])
        )
        self._scale, self._show_ratings, self._lines = scale, show_ratings, lines

    def parts(self, user: int, history: pd.DataFrame, candidates: Sequence[int]) -> Parts:
        """Return the lines of one user: of their rows, oldest first, and of items in the order to be shown."""
        seen = list(map(self._history_line, history["item"], history["rating"]))
        shown = self._lines.candidates([self.movies[item] for item in candidates])
        return Parts(self._profiles[user], seen, shown)

    def _history_line(self, item: int, rating: float) -> str:
        is_told = self._show_ratings and not math.isnan(rating)
        score = scaled(rating, *self._scale) if is_told else None
        return self._lines.history(self.movies[item], score)


def movies_of(items: pd.DataFrame, natural_titles: bool = False) -> list[Movie]:
    """Return what prompts say of each item of a frame `ITEMS`, with articles before their titles if so asked."""
    movies = []
    told = items[["raw_id", "title", "year", "genres"]]
    for raw_id, title, year, genres in told.itertuples(index=False):
        known_year = None if pd.isna(year) else int(year)
        said = natural_title(title) if natural_titles else title
        movies.append(Movie(raw_id, said, known_year, genres))
    return movies


def read_library(
    items: PathLike,
    users: PathLike,
    statistics: PathLike,
    show_ratings: bool,
    natural_titles: bool = False,
    lines: Lines = PAPER_LINES,
) -> Library:
    """Return the words of a prepared data set, from its files."""
    facts = read_record(statistics, {"rating_min": float, "rating_max": float})
    scale = (facts["rating_min"], facts["rating_max"])
    frames = read_parquet(items, ITEMS), read_parquet(users, USERS)
    return Library(*frames, scale, show_ratings, natural_titles, lines)


def prompt_budget(
    context: int,
    tokens: int | None,
    is_compact: bool,
    longest: Callable[[Sequence[str], bool], int] = longest_answer,
) -> Callable[[Sequence[str]], int]:
    """Return the function that gives the most tokens of a prompt, for the ids that its answer has to name.

    Without a configured limit, `tokens`, it is what the context leaves beside the answer, whose length `longest` gives.
    """

    def budget(ids: Sequence[str]) -> int:
        room = context - longest(ids, is_compact)
        return min(room, tokens or room)

    return budget


@dataclass(frozen=True)
class PromptBuilder:
    """Makes the prompt of a user.

    Attributes:
        count_tokens: Length of a text for the model, chat template included.
        budget: Gives the most tokens of a prompt for the ids that its answer has to name.
    """

    library: Library
    template: Template
    count_tokens: Callable[[str], int]
    budget: Callable[[Sequence[str]], int]

    def build(self, user: int, history: pd.DataFrame, candidates: Sequence[int]) -> PromptRecord:
        """Return the prompt of one user, from their chosen rows (oldest first; columns row, item, rating).

        Row `NOBODYS` is that of an item which was drawn.
        """
        ids = [self.library.movies[item].id for item in candidates]
        parts = self.library.parts(user, history, candidates)
        made = fit_prompt(self.template, parts, self.count_tokens, self.budget(ids))
        shown = history.iloc[made.dropped :]
        is_drawn = shown["row"] == NOBODYS
        rows, drawn = (
            shown.loc[kept, name].tolist()
            for kept, name in ((~is_drawn, "row"), (is_drawn, "item"))
        )
        lines = {"rows": rows, "candidates": list(candidates), "ids": ids, "drawn": drawn}
        return PromptRecord(user, made.text, made.tokens, made.dropped, **lines)


def build_all(
    build: Callable[..., list[PromptRecord]], wanted: Iterable[tuple]
) -> list[PromptRecord]:
    """Return the prompts of many users, for the arguments of a function that returns one user's.

    Raises:
        CragruError: If one is too long, of the longest: with room for a shorter one, that one would still not fit.
    """
    problems = Problems()
    made = [problems.take(partial(build, *one)) for one in wanted]
    if problems.found:
        raise CragruError.of([max(problems.found, key=attrgetter("got"))])
    return list(chain.from_iterable(made))


def check_shown(records: Sequence[PromptRecord], tokens: int | None) -> None:
    """Refuse prompts of at most `tokens` that show no line of history, where a history was chosen.

    Raises:
        CragruError: If lines were left out and none is left; where nobody has a history, there is nothing to show.
    """
    dropped = sum(record.dropped for record in records)
    if dropped and not any(record.rows or record.drawn for record in records):
        raise CragruError(
            f"no prompt has room for history: all {dropped} lines were left out",
            place="scoring.tokens",
            got=tokens,
            advice=FEWER,
        )


def shown_order(candidates: Sequence[int], order: str, seed: int, user: int) -> list[int]:
    """Return candidates as the prompt lists them: best first (the paper), or shuffled by a stream of the user's own."""
    if order == "backbone":
        return list(candidates)
    stream = numpy_stream(seed, "shuffle", user)
    return stream.permutation(list(candidates)).tolist()


def render_again(
    library: Library, template: Template, record: PromptRecord, interactions: pd.DataFrame
) -> str:
    """Return the prompt that the ids of a record stand for; row k of the prepared interactions is at place k."""
    history = interactions.iloc[record.rows]
    if record.drawn:
        history = pd.DataFrame({"item": record.drawn, "rating": math.nan})
    return render(template, library.parts(record.user, history, record.candidates))
