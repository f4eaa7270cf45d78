"""A server with OpenAI's interface: many requests under way at once, each sent again where that may help.

Requests share one event loop and have no threads: a thread that waits for a socket cannot be stopped, so an error, or
Ctrl-C, would wait for the slowest answer.
"""

import asyncio
import ipaddress
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import urlsplit

import openai
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from cragru.config.llms import LlmService, ServerSource
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.llm.base import Answer, Question
from cragru.llm.chat import ChatTokenizer
from cragru.llm.failures import BUSY, line_of, problem_of
from cragru.llm.letters import soften
from cragru.llm.limited_client import LimitedClient
from cragru.llm.replies import BadReplyError, Completion, Models, Reply, read_reply, tokens_told
from cragru.llm.secrets import read_secret

log = logging.getLogger(__name__)

NO_KEY = "EMPTY"  # what a server that asks for no key is sent: the client insists on one
CHECK_SECONDS = 15.0  # most seconds to wait for the list of models, which takes no computing
LONGEST_PAUSE = 30.0  # most seconds between two requests, also where the server asks for more
BACK_OFF = wait_exponential_jitter(jitter=2)  # else all parallel requests would come back at once
TIMES_ASKED = 2  # for an answer that keeps to its pattern; at temperature 0 more would repeat it

Result = TypeVar("Result")
Retried = Callable[[BaseException], bool]


def open_engine(
    entry: LlmService, folder: PathLike, files: dict[str, str], threads: int
) -> "ServerEngine":
    """See `cragru.llm.engines.open_engine`; the server has its model and threads, the folder the tokenizer.

    Raises:
        CragruError: If the entry's source is no server.
    """
    if not isinstance(entry.source, ServerSource):
        raise CragruError(
            f"module: {__name__} answers for a source of kind server; got {entry.source.kind}"
        )
    return ServerEngine(entry.source, folder)


class ServerEngine:
    """An `Engine` that a server answers for; equal questions may get other answers."""

    def __init__(self, source: ServerSource, folder: PathLike | None = None) -> None:
        """Take up a server; nothing is sent yet, and no key is needed.

        Args:
            source: Its address, model and limits.
            folder: The tokenizer that counts for it, which is read with the first question. Without one, prompts lose
                the control tokens that chat models have in common alone, and what the server does not count is 0.

        Raises:
            CragruError: If the address is none.
        """
        self._source, self._folder = source, folder
        self._name = f"{source.model!r} at {source.url}"
        self._warned = False
        try:
            self._own = _is_loopback(source.url)
        except ValueError as error:  # of a port or an IPv6 address
            raise CragruError(
                f"{self._name}: no address ({error}); correct `url` in the registry"
            ) from error

    @property
    def settings(self) -> dict[str, Any]:
        """All that is known of what an answer depends on besides the prompts."""
        return {
            "engine": "server",
            "url": self._source.url,
            "model": self._source.model,
            "decoding": {"temperature": 0.0, "constraint": "regex"},
            "device": "server",
            "versions": {"openai": version("openai")},
        }

    @cached_property
    def start_seconds(self) -> float:
        """Wall seconds of a first look: is the server up, does it take the key, does it serve the model?

        Raises:
            CragruError: If not.
        """
        begun = time.perf_counter()
        asyncio.run(self._check_model())
        return time.perf_counter() - begun

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer a chunk: at most `parallel` requests at once, the first error ends them all.

        Raises:
            CragruError: If the server cannot be reached, refuses, or does not hold an answer to its pattern.
        """
        self._warned = False
        return asyncio.run(self._ask(questions))

    async def _check_model(self) -> None:
        async with self._client() as client:

            async def request() -> bytes:
                seconds = min(CHECK_SECONDS, self._source.timeout)
                reply = await client.models.with_raw_response.list(timeout=seconds)
                return reply.http_response.content

            # a server that is down is told at once
            models = await self._in_time(self._send(request, Models, _is_busy))
        served = sorted(model.id for model in models.data)
        if self._source.model not in served:
            listing = self._said(", ".join(served)) or "nothing"
            raise CragruError(
                f"{self._name}: it serves {listing}; wanted {self._source.model}; correct `model` in the registry"
            )

    async def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        slots = asyncio.Semaphore(self._source.parallel)
        async with self._client() as client:
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._answer(client, slots, question))
                        for question in questions
                    ]
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _answer(
        self, client: openai.AsyncOpenAI, slots: asyncio.Semaphore, question: Question
    ) -> Answer:
        sent = self._harmless(question.prompt)

        async def request() -> bytes:
            reply = await client.chat.completions.with_raw_response.create(
                model=self._source.model,
                messages=[{"role": "user", "content": sent}],
                temperature=0.0,
                max_tokens=question.longest,
                extra_body={"structured_outputs": {"regex": question.pattern}},
            )
            return reply.http_response.content

        async with slots:  # also while it waits to ask again: a busy server gets fewer requests
            return await self._in_time(self._held_answer(request, question))

    async def _held_answer(
        self, request: Callable[[], Awaitable[bytes]], question: Question
    ) -> Answer:
        """An answer that keeps to its pattern."""
        for _ in range(min(TIMES_ASKED, 1 + self._source.retries)):
            completion = await self._send(request, Completion, _may_pass)
            answer = self._read(completion, question)
            if _is_held(answer, question):
                return answer
        raise CragruError(
            f"{self._name}: the answer is not what the pattern allows: {self._said(answer.text)!r}; the server must "
            "support structured outputs (`structured_outputs` with a `regex`), as vLLM does"
        )

    async def _in_time(self, work: Awaitable[Result]) -> Result:
        """Wait for work no longer than `deadline`: neither for a reply that drips, nor for try after try."""
        try:
            async with asyncio.timeout(self._source.deadline):
                return await work
        except TimeoutError:
            pass
        # outside of the handler: the chain of what was interrupted may have the key
        raise CragruError(
            f"{self._name}: no answer within {self._source.deadline:g} s, all tries and pauses included; look into its "
            "log, or raise `deadline` in the registry"
        )

    async def _send(
        self, request: Callable[[], Awaitable[bytes]], kind: type[Reply], is_retried: Retried
    ) -> Reply:
        """Send a request, again where `is_retried` says so, and check the reply."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(1 + self._source.retries),
            wait=_pause,
            retry=retry_if_exception(is_retried),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            return read_reply(await retrying(request), kind)
        except openai.OpenAIError as error:
            problem, advice = self._problem(error)
            times = retrying.statistics["attempt_number"]
            asked = f", asked {times} times" if times > 1 else ""
        except BadReplyError as error:
            problem, advice, asked = str(error), "correct `url` in the registry", ""
        # outside of the handlers: a server may send back the key, and a log has the whole chain of exceptions
        raise CragruError(f"{self._name}: {problem}{asked}; {advice}")

    def _harmless(self, prompt: str) -> str:
        return soften(prompt, ()) if self._tokenizer is None else self._tokenizer.harmless(prompt)

    @cached_property
    def _tokenizer(self) -> ChatTokenizer | None:
        return None if self._folder is None else ChatTokenizer(self._folder)

    def _read(self, completion: Completion, question: Question) -> Answer:
        choice, usage = completion.choices[0], completion.usage
        content, refusal = choice.message.content, choice.message.refusal
        if refusal or choice.finish_reason == "content_filter":
            words = self._said(refusal or content or "")
            raise CragruError(
                f"{self._name}: the model refused to answer: {words!r}; take another model or template"
            )
        if content is None:
            reason = self._said(choice.finish_reason)
            raise CragruError(
                f"{self._name}: the reply has no text, and ended by {reason!r}; have the server answer at "
                "once, without thinking or tools"
            )
        text = content.strip()
        prompt_tokens = tokens_told(usage, "prompt_tokens")
        if prompt_tokens is None:
            prompt_tokens = self._counted(lambda own: own.count(own.harmless(question.prompt)))
        answer_tokens = tokens_told(usage, "completion_tokens")
        if answer_tokens is None:
            answer_tokens = self._counted(lambda own: own.count_answer(text))
        return Answer(text, self._said(choice.finish_reason), prompt_tokens, answer_tokens)

    def _counted(self, count: Callable[[ChatTokenizer], int]) -> int:
        """Tokens that the server does not tell, by the tokenizer that counts for it; 0 where there is none."""
        return 0 if self._tokenizer is None else count(self._tokenizer)

    def _client(self) -> openai.AsyncOpenAI:
        """A client for one event loop. It never asks again itself, and goes to this machine without a proxy."""
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it has a line for every request
        key = self._key
        try:
            transport = LimitedClient(
                self._source.reply_mib, trust_env=not self._own, follow_redirects=False
            )
            return openai.AsyncOpenAI(
                api_key=key,
                base_url=self._source.url,
                timeout=self._source.timeout,
                max_retries=0,
                http_client=transport,
            )
        except (
            Exception
        ) as error:  # whatever the address, or a proxy of the environment, gives rise to
            problem = type(error).__name__  # its words may show the password of a proxy
        raise CragruError(
            f"{self._name}: no way to connect ({problem}); correct `url` in the registry, or the variables http_proxy, "
            "https_proxy, all_proxy"
        )

    @cached_property
    def _key(self) -> str:
        """The API key. No message has it."""
        variable = self._source.key
        if variable is None:
            return NO_KEY
        advice = "put the server's API key into it, or leave `key` out of the registry if it asks for none"
        return read_secret(variable, self._name, "key", advice)

    @property
    def _secret(self) -> str | None:
        """What no message may show: the key, where there is one."""
        return None if self._source.key is None else self._key

    def _problem(self, error: openai.OpenAIError) -> tuple[str, str]:
        return problem_of(error, self._source, self._secret)

    def _said(self, words: str) -> str:
        return line_of(words, self._secret)

    def _tell(self, state: RetryCallState) -> None:
        """Log a failure that may pass: the first of a chunk to the screen, for a busy server has thousands."""
        level, self._warned = logging.DEBUG if self._warned else logging.WARNING, True
        problem, _ = self._problem(state.outcome.exception())
        pause, retries = state.upcoming_sleep, self._source.retries
        log.log(
            level,
            "%s: %s; retry %d of %d in %.1f s",
            self._name,
            problem,
            state.attempt_number,
            retries,
            pause,
        )


def _is_loopback(url: str) -> bool:
    """Whether an address is of this machine.

    Raises:
        ValueError: If its port is no number, or its brackets hold no IPv6 address.
    """
    parts = urlsplit(url)
    host, _ = parts.hostname or "", parts.port
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_held(answer: Answer, question: Question) -> bool:
    """Whether an answer kept to its pattern, as far as it can be told of one that was cut.

    One that got all its tokens is longer than any that the pattern allows; one that was cut before met another limit,
    of which the caller knows more.
    """
    if answer.finish_reason == "length":
        return answer.answer_tokens < question.longest
    return answer.finish_reason != "stop" or re.fullmatch(question.pattern, answer.text) is not None


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, openai.APIStatusError) and (
        error.status_code in BUSY or error.status_code >= 500
    )


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later: not so where the server said that it is wrong."""
    return isinstance(error, openai.APIConnectionError) or _is_busy(error)


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: more each time, and what the server asks for, up to a limit."""
    return min(max(BACK_OFF(state), _wanted_pause(state.outcome.exception())), LONGEST_PAUSE)


def _wanted_pause(error: BaseException) -> float:
    """What the server asks for in seconds; where it names a date, or nothing, the back-off decides."""
    header = (
        error.response.headers.get("retry-after", "")
        if isinstance(error, openai.APIStatusError)
        else ""
    )
    return float(header) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", header, re.ASCII) else 0.0
