"""The paper's form: one answer, a JSON object, has a whole number from 1 to 100 for each candidate."""

from collections.abc import Sequence

import pandas as pd

from cragru.llm.answers import longest_answer, read_scores
from cragru.llm.base import Answer, Question
from cragru.llm.building import PromptBuilder
from cragru.llm.forms.base import Form
from cragru.llm.records import PromptRecord


class Listwise(Form):
    """See the module."""

    def longest(self, ids: Sequence[str], is_compact: bool) -> int:
        """See `Form`."""
        return longest_answer(ids, is_compact)

    def records(
        self,
        builder: PromptBuilder,
        user: int,
        history: pd.DataFrame,
        shown: Sequence[int],
        seed: int,
    ) -> list[PromptRecord]:
        """See `Form`."""
        return [builder.build(user, history, shown)]

    def question(self, record: PromptRecord) -> Question:
        """See `Form`."""
        return Question(record.prompt, tuple(record.ids))

    def scores(
        self, records: Sequence[PromptRecord], answers: Sequence[Answer], place: str
    ) -> dict[int, float]:
        """See `Form`."""
        (record,), (answer,) = records, answers
        scores = read_scores(answer.text, record.ids, place)
        return dict(zip(record.candidates, scores, strict=True))


FORM = Listwise()
