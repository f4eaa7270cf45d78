"""The contract of what answers prompts: a local vLLM engine, or a server."""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from cragru.llm.answers import answer_pattern, longest_answer

LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""Labels of candidates, in their order: one token each for most models."""


@dataclass(frozen=True)
class Question:
    """One prompt and what may be answered.

    Attributes:
        prompt: The user's message; the model's chat template goes around it.
        ids: The candidates' ids, in the order shown: the answer must score each.
    """

    # what an answer depends on: it is in the address of stored answers
    keyed: ClassVar[tuple[str, ...]] = ("prompt", "pattern", "longest")

    prompt: str
    ids: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """Regular expression that the whole answer must match."""
        return answer_pattern(self.ids)

    @property
    def longest(self) -> int:
        """Most tokens of an answer; no answer that matches is cut by it."""
        return longest_answer(self.ids)


@dataclass(frozen=True)
class Choice(Question):
    """One prompt that is answered by a label, of which there are `ids`: the answer has log p of each, among them."""

    @property
    def pattern(self) -> str:
        """Regular expression that the token must match which is decoded."""
        return "|".join(map(re.escape, self.ids))

    @property
    def longest(self) -> int:
        """One token."""
        return 1


@dataclass(frozen=True)
class Continuations(Question):
    """A text, without a chat template, and what may stand behind it: the answer has log p of each.

    Attributes:
        texts: One for each of `ids`.
    """

    keyed: ClassVar[tuple[str, ...]] = ("prompt", "ids", "texts")

    texts: tuple[str, ...]


def union(questions: Sequence[Continuations]) -> Continuations:
    """Return one question for several with the same text: all that may stand behind it, in the order of their ids."""
    texts = {name: text for one in questions for name, text in zip(one.ids, one.texts, strict=True)}
    ids = sorted(texts)
    return Continuations(questions[0].prompt, tuple(ids), tuple(texts[name] for name in ids))


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        text: The answer.
        finish_reason: Why it ended; ``stop`` where nothing was cut.
        prompt_tokens: Length of the prompt with the chat template, as the engine tells it; where a server does not, as
            the tokenizer counts that its entry names.
        answer_tokens: Length of the answer, likewise.
        is_stripped: Whether the server had added something to it (`cragru.llm.answers.compacted`).
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    answer_tokens: int
    is_stripped: bool = False


class Engine(Protocol):
    """Answers whole chunks of the questions that it is for."""

    @property
    def settings(self) -> dict[str, Any]:
        """All that answers depend on besides the prompts, as plain JSON for the store's key; has a `device`."""

    @property
    def start_seconds(self) -> float:
        """What the start of the engine took; starts it where that has not been done."""

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer a chunk, all of it at once and in this order.

        Raises:
            CragruError: In one line, if it cannot.
        """
