"""How likely the model finds a candidate's title behind the titles of a history: log p, the sum over its tokens.

Nothing is generated and no chat template is needed, so any causal model will do. A model that never saw the user's
titles beside one another still says which titles are common.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from cragru.core.errors import CragruError
from cragru.llm.answers import read_numbers
from cragru.llm.base import Answer, Continuations
from cragru.llm.building import PromptBuilder
from cragru.llm.forms.base import Form
from cragru.llm.prompts import Lines, Movie, Template, one_line
from cragru.llm.records import PromptRecord

NEWEST = 20  # lines of a history that a prompt shows
DASH = "-"  # a line begins with it; a title is scored behind it, with the blank between


def _line(movie: Movie, score: float | None = None) -> str:
    return f"{DASH} {one_line(movie.title)}"


def _lines(movies: Sequence[Movie]) -> list[str]:
    return list(map(_line, movies))


class Likelihood(Form):
    """See the module."""

    lines = Lines(_line, _lines)
    is_chat = False
    is_shared = True

    def check_template(self, template: Template, where: str) -> None:
        """See `Form`: a title is scored behind all that stands before it, and nothing may stand behind."""
        if not template.text.endswith("{history_movies}\n{candidate_list}"):
            raise CragruError(
                "must end with the line {history_movies} and the line {candidate_list}",
                place=where,
            )

    def longest(self, ids: Sequence[str], is_compact: bool) -> int:
        """See `Form`: the candidates are a part of the prompt."""
        return 0

    def records(
        self,
        builder: PromptBuilder,
        user: int,
        history: pd.DataFrame,
        shown: Sequence[int],
        seed: int,
    ) -> list[PromptRecord]:
        """See `Form`; one prompt, with the newest lines of the history."""
        newest = history.iloc[-NEWEST:]
        record = builder.build(user, newest, shown)
        older = len(history) - len(newest)
        return [replace(record, dropped=older + record.dropped)]

    def question(self, record: PromptRecord) -> Continuations:
        """See `Form`: each candidate's line is scored behind the history, as if it stood there alone."""
        lines = record.prompt.split("\n")
        first = len(lines) - len(record.ids)
        history = "\n".join([*lines[:first], DASH])
        titles = [line.removeprefix(DASH) for line in lines[first:]]
        return Continuations(history, tuple(record.ids), tuple(titles))

    def scores(
        self, records: Sequence[PromptRecord], answers: Sequence[Answer], place: str
    ) -> dict[int, float]:
        """See `Form`; the answer may have other cells' candidates, too."""
        (record,), (answer,) = records, answers
        found = read_numbers(answer.text, record.ids, place)
        return {item: found[name] for item, name in zip(record.candidates, record.ids, strict=True)}


FORM = Likelihood()
