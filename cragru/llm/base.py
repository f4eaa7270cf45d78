"""The contract of what answers prompts: a local vLLM engine, or a server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Question:
    """One prompt and what may be answered.

    Attributes:
        prompt: The user's message; the model's chat template goes around it.
        pattern: Regular expression that the whole answer must match (`cragru.llm.answers.answer_pattern`).
        longest: Most tokens of an answer; no answer that matches is cut by it.
    """

    prompt: str
    pattern: str
    longest: int


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        text: The answer.
        finish_reason: Why it ended; ``stop`` where nothing was cut.
        prompt_tokens: Length of the prompt with the chat template, as the engine tells it; where a server does not, as
            the tokenizer counts that its entry names.
        answer_tokens: Length of the answer, likewise.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    answer_tokens: int


class Engine(Protocol):
    """Answers whole chunks."""

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
