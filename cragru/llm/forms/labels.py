"""One letter for each candidate: how likely each is as the answer, less how likely it is without a history.

A model likes some letters, and some places of a list, better than others. So each user is asked in `SHUFFLES` orders,
with the history and without one, and a candidate has the mean of the differences.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream
from cragru.llm.answers import read_numbers
from cragru.llm.base import LETTERS, Answer, Choice
from cragru.llm.building import PromptBuilder
from cragru.llm.forms.base import Form
from cragru.llm.prompts import Lines, Movie, history_line, titled
from cragru.llm.records import PromptRecord

SHUFFLES = 2
DIGITS = 6  # of a score: more than answers have


def letters(count: int) -> tuple[str, ...]:
    """Return the labels of so many candidates.

    Raises:
        CragruError: If there are not so many letters.
    """
    if count > len(LETTERS):
        raise CragruError(
            f"there are letters for {len(LETTERS)} candidates",
            got=count,
            advice="take fewer, or another form of scoring",
        )
    return tuple(LETTERS[:count])


def _lines(movies: Sequence[Movie]) -> list[str]:
    labels = letters(len(movies))
    return [f"{label}. {titled(movie)}" for label, movie in zip(labels, movies, strict=True)]


class Labels(Form):
    """See the module."""

    lines = Lines(history_line, _lines)

    def longest(self, ids: Sequence[str], is_compact: bool) -> int:
        """See `Form`."""
        return 1

    def records(
        self,
        builder: PromptBuilder,
        user: int,
        history: pd.DataFrame,
        shown: Sequence[int],
        seed: int,
    ) -> list[PromptRecord]:
        """See `Form`: in each order a prompt with the history, and one without."""
        stream, made = numpy_stream(seed, "labels", user), []
        for _ in range(SHUFFLES):
            order = stream.permutation(list(shown)).tolist()
            made += [builder.build(user, rows, order) for rows in (history, history.iloc[:0])]
        return [replace(record, ranked=list(shown)) for record in made]

    def question(self, record: PromptRecord) -> Choice:
        """See `Form`."""
        return Choice(record.prompt, letters(len(record.candidates)))

    def scores(
        self, records: Sequence[PromptRecord], answers: Sequence[Answer], place: str
    ) -> dict[int, float]:
        """See `Form`."""
        total = dict.fromkeys(records[0].ranked, 0.0)
        signs = [1, -1] * SHUFFLES  # as `records` has them: with the history, without
        for sign, record, answer in zip(signs, records, answers, strict=True):
            labels = letters(len(record.candidates))
            found = read_numbers(answer.text, labels, place)
            for item, label in zip(record.candidates, labels, strict=True):
                total[item] += sign * found[label]
        # sums that are equal but for their last bits are ties
        return {item: round(value / SHUFFLES, DIGITS) for item, value in total.items()}


FORM = Labels()
