"""The contract of a form of scoring: which prompts a user's candidates take, what is asked, and what answers say."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import pandas as pd

from cragru.llm.base import Answer, Question
from cragru.llm.building import PAPER_LINES, PromptBuilder
from cragru.llm.prompts import Lines, Template
from cragru.llm.records import PromptRecord


class Form(Protocol):
    """Asks for the scores of one user's candidates and reads them.

    Attributes:
        lines: How prompts write histories and candidates. The proof writes them so again.
        is_chat: Whether the model's chat template goes around a prompt.
        is_shared: Whether a question answers for all cells that ask it, with the candidates of all of them.
    """

    lines: ClassVar[Lines] = PAPER_LINES
    is_chat: ClassVar[bool] = True
    is_shared: ClassVar[bool] = False

    def check_template(self, template: Template, where: str) -> None:
        """Refuse a prompt template, of the file `where`, that the form cannot use.

        Raises:
            CragruError: If it cannot.
        """

    def longest(self, ids: Sequence[str], is_compact: bool) -> int:
        """Return the most tokens of an answer for these candidates; with blanks where it is not compact."""

    def records(
        self,
        builder: PromptBuilder,
        user: int,
        history: pd.DataFrame,
        shown: Sequence[int],
        seed: int,
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
