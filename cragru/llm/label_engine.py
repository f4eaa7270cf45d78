"""Offline vLLM that answers with one label: log p of each label among them, from one token."""

import json
from functools import cached_property
from typing import Any, ClassVar

from cragru.config.llms import LlmService
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.llm.base import LETTERS, Choice, Question
from cragru.llm.vllm_engine import VllmEngine

DIGITS = 4  # of a log p in an answer


def open_engine(
    entry: LlmService, folder: PathLike, files: dict[str, str], threads: int
) -> "LabelEngine":
    """See `cragru.llm.engines.open_engine`."""
    if entry.source.is_remote:
        raise CragruError(f"{__name__} is not for servers", place="source.kind")
    return LabelEngine(folder, files, entry.engine, threads)


class LabelEngine(VllmEngine):
    """An `Engine` for `Choice`s."""

    decoding: ClassVar[dict[str, Any]] = {
        "temperature": 0.0,
        "constraint": "labels",
        "logprobs": "processed",
        "prefix_caching": False,
    }
    warm_up: ClassVar[Question] = Choice("Name one.", tuple(LETTERS[:2]))

    def _further_options(self) -> dict[str, Any]:
        # raw ones are of all tokens, and labels beyond the most likely are not among them
        return {"logprobs_mode": "processed_logprobs", "max_logprobs": len(self._tokens)}

    def _constraint(self, question: Question) -> dict[str, Any]:
        allowed = [self._tokens[name] for name in question.ids]
        return {"allowed_token_ids": allowed, "logprobs": len(allowed)}

    def _read(self, question: Question, said: Any) -> tuple[str, str]:
        """Return log p of each label; one token is the whole answer."""
        (found,) = said.logprobs
        numbers = {name: found[self._tokens[name]].logprob for name in question.ids}
        rounded = {name: round(number, DIGITS) for name, number in numbers.items()}
        return json.dumps(rounded, separators=(",", ":")), "stop"

    @cached_property
    def _tokens(self) -> dict[str, int]:
        """The token of each label; the start of the engine refuses a model that has none for one."""
        return {label: self._tokenizer.label(label) for label in LETTERS}
