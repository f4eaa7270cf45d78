"""Log p of what may stand behind a text, by transformers: one forward pass for a text with all its continuations.

They are packed behind one another. Each sees the text and itself, at the positions that it would have alone. So a text
is computed once, and an answer depends on no other question. vLLM's log p of prompts with its cache of prefixes would
be as fast, but is uninitialised memory at cached places, without an error.
"""

import json
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from cragru.config.llms import EngineOptions, LlmService
from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot
from cragru.core.versions import installed
from cragru.llm.base import Answer, Continuations
from cragru.llm.chat import TextTokenizer
from cragru.llm.engines import check_model
from cragru.llm.vllm_engine import device_name

FORMAT = 1  # of what the model is given: raise it with every change that alters answers
VERSIONED = ("torch", "transformers", "tokenizers")
DIGITS = 4  # of a log p in an answer
WARM_UP = Continuations("Movies:\n-", ("1", "2"), (" Alien", " The Piano"))
# nats that log p of the warm-up may differ by when it is packed: bfloat16 differs by a tenth, or by half at worst
FARTHEST = 1.0


def open_engine(
    entry: LlmService, folder: PathLike, files: dict[str, str], threads: int
) -> "PackedEngine":
    """See `cragru.llm.engines.open_engine`."""
    if entry.source.is_remote:
        raise CragruError(f"{__name__} is not for servers", place="source.kind")
    return PackedEngine(folder, files, entry.engine, threads)


class PackedEngine:
    """An `Engine` for `Continuations`, on this machine's GPU or CPU; it starts with the first question."""

    def __init__(
        self, folder: PathLike, files: dict[str, str], options: EngineOptions, threads: int
    ) -> None:
        """Take up a model, whose files have the SHA-256 of `files`."""
        self._folder, self._files = Path(folder), files
        self._options, self._threads = options, threads

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that an answer depends on besides the prompts."""
        return {
            "engine": "packed",
            "format": FORMAT,
            "model": self._files,
            "options": {"dtype": self._options.dtype, "threads": self._threads},
            "device": device_name(),
            "versions": installed(VERSIONED),
        }

    @property
    def start_seconds(self) -> float:
        """Wall seconds from nothing to a warm model, imports included."""
        return self._started[1]

    def ask(self, questions: Sequence[Continuations]) -> list[Answer]:
        """Answer a chunk, one question after the other; nothing is generated, so an answer has no tokens."""
        model = self._started[0]
        return [self._answer(model, question) for question in questions]

    def _answer(self, model: Any, question: Continuations) -> Answer:
        text, titles = self._tokens(question)
        found = packed_log_p(model, text, titles)
        numbers = {
            name: round(value, DIGITS) for name, value in zip(question.ids, found, strict=True)
        }
        told = json.dumps(numbers, separators=(",", ":"))
        return Answer(told, "stop", len(text) + sum(map(len, titles)), 0)

    def _tokens(self, question: Continuations) -> tuple[list[int], list[list[int]]]:
        text = self._tokenizer.start + self._tokenizer.tokens(question.prompt)
        return text, list(map(self._tokenizer.tokens, question.texts))

    @cached_property
    def _tokenizer(self) -> TextTokenizer:
        return TextTokenizer(self._folder)

    @cached_property
    def _started(self) -> tuple[Any, float]:
        """The model, and the seconds that its start took; the check of its weights is not counted."""
        check_model(self._folder, self._files)
        begun = time.perf_counter()
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(self._threads)
        dtype = getattr(torch, self._options.dtype)
        try:
            model = AutoModelForCausalLM.from_pretrained(
                self._folder, dtype=dtype, attn_implementation="sdpa", local_files_only=True
            )
        except (ValueError, OSError, RuntimeError) as error:
            reason, place = short(str(error)), spot(self._folder)
            raise CragruError(f"transformers cannot open it ({reason})", place=place) from error
        model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._check_packing(model)
        return model, time.perf_counter() - begun

    def _check_packing(self, model: Any) -> None:
        """Refuse a model that does not heed the mask and the positions: it would answer all the same."""
        text, titles = self._tokens(WARM_UP)
        packed = packed_log_p(model, text, titles)
        alone = [packed_log_p(model, text, [title])[0] for title in titles]
        if max(abs(one - other) for one, other in zip(packed, alone, strict=True)) > FARTHEST:
            raise CragruError(
                "a title's log p depends on the titles beside it",
                place=spot(self._folder),
                got=model.config.model_type,
                advice="take a model with Llama's or Qwen2's architecture, or another form of scoring",
            )


@torch.inference_mode()
def packed_log_p(model: Any, text: Sequence[int], rest: Sequence[Sequence[int]]) -> list[float]:
    """Return log p of each continuation of a text: the sum over its tokens, in nats.

    Args:
        model: A causal model of transformers.
        text: Token ids; one at least.
        rest: Token ids of what may stand behind; one at least of each.
    """
    lengths = [len(text), *map(len, rest)]
    segments = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    places = torch.cat(
        [torch.arange(len(text)), *(len(text) + torch.arange(n) for n in lengths[1:])]
    )
    tokens = torch.tensor([*text, *(token for one in rest for token in one)])
    is_own = (segments[:, None] == segments) | (segments == 0)
    seen = is_own & torch.ones_like(is_own).tril()
    mask = torch.zeros(seen.shape, dtype=model.dtype).masked_fill(
        ~seen, torch.finfo(model.dtype).min
    )
    # a token is foretold by the one before it, the first of a continuation by the last of the text
    scored = torch.arange(len(text), len(tokens))
    before = torch.where(places[scored] == len(text), len(text) - 1, scored - 1)
    given = {"input_ids": tokens[None], "position_ids": places[None]}
    given |= {"attention_mask": mask[None, None], "logits_to_keep": before}
    on_device = {name: tensor.to(model.device) for name, tensor in given.items()}
    logits = model(**on_device, use_cache=False).logits[0].float().cpu()
    log_p = logits.log_softmax(dim=-1)[torch.arange(len(scored)), tokens[scored]].double()
    return [own.sum().item() for own in log_p.split(lengths[1:])]
