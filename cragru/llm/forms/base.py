"""The contract of a form of scoring: which prompts a user's candidates take, what is asked, and what answers say."""

from collections.abc import Sequence
from typing import Protocol

import pandas as pd

from cragru.llm.base import Answer, Question
from cragru.llm.building import PromptBuilder
from cragru.llm.records import PromptRecord


class Form(Protocol):
    """Asks for the scores of one user's candidates and reads them."""

    def records(
        self, builder: PromptBuilder, user: int, history: pd.DataFrame, shown: Sequence[int]
    ) -> list[PromptRecord]:
        """Return the prompts of one user, whose rows come oldest first, for candidates in the order to be shown.

        Raises:
            CragruError: If one is too long.
        """

    def question(self, record: PromptRecord) -> Question:
        """Return what the engine is asked with a prompt."""

    def scores(
        self, records: Sequence[PromptRecord], answers: Sequence[Answer], place: str
    ) -> dict[int, float]:
        """Return the score of each candidate of one user, in the order shown, from the answers to their prompts.

        Args:
            records: As `records` has returned them.
            answers: One for each.
            place: Where errors say that it is.

        Raises:
            CragruError: If an answer is not what the question allows.
        """
