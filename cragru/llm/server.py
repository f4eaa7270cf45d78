"""A server with OpenAI's interface: many requests under way at once, each sent again where that may help.

Requests share one event loop and have no threads: a thread that waits for a socket cannot be stopped, so an error, or
Ctrl-C, would wait for the slowest answer.
"""

import asyncio
import ipaddress
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
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
from cragru.core.errors import CragruError, Problem
from cragru.core.place import PathLike
from cragru.llm.answers import answer_schema, compacted, longest_answer
from cragru.llm.base import Answer, Question
from cragru.llm.chat import ChatTokenizer
from cragru.llm.failures import is_busy, line_of, may_pass, problem_of
from cragru.llm.letters import soften
from cragru.llm.replies import (
    BROKEN_ENDS,
    RIGHT_ENDS,
    BrokenOffError,
    Completion,
    LimitedClient,
    Models,
    read_reply,
    tokens_told,
)
from cragru.llm.secrets import hidden, read_secret
from cragru.written.paths import lost_certificates

log = logging.getLogger(__name__)

NO_KEY = "EMPTY"  # what a server that asks for no key is sent: the client insists on one
CHECK_SECONDS = 15.0  # most seconds to wait for the list of models, which takes no computing
LONGEST_PAUSE = 30.0  # most seconds between two requests, also where the server asks for more
BACK_OFF = wait_exponential_jitter(jitter=2)  # else all parallel requests would come back at once
TIMES_ASKED = 2  # for an answer that keeps to its pattern; at temperature 0 more would repeat it
NO_LIST = (404, 405)  # what servers answer that list no models
PROXY = re.compile("(http|https|all)_proxy", re.IGNORECASE)  # a variable

Result = TypeVar("Result")
Request = Callable[[], Awaitable[Result]]
Retried = Callable[[BaseException], bool]


def open_engine(
    entry: LlmService, folder: PathLike, files: dict[str, str], threads: int
) -> "ServerEngine":
    """See `cragru.llm.engines.open_engine`; the server has its model and threads, the folder the tokenizer."""
    source = entry.source
    if not isinstance(source, ServerSource):
        raise CragruError(f"{__name__} is for servers", place="source.kind", got=source.kind)
    return ServerEngine(source, folder)


class ServerEngine:
    """An `Engine` that a server answers for; equal questions may get other answers."""

    def __init__(self, source: ServerSource, folder: PathLike | None = None) -> None:
        """Take up a server; nothing is sent, and no key is needed, before the first question.

        Args:
            source: Its address, model and limits.
            folder: The tokenizer that counts for it. Without one, prompts lose the control tokens that chat models have
                in common alone, and what the server does not count is 0.
        """
        self._source, self._folder = source, folder
        self._name = f"{source.model!r} at {source.url}"
        self._warned = False

    @property
    def settings(self) -> dict[str, Any]:
        """All that is known of what an answer depends on besides the prompts."""
        return {
            "engine": "server",
            "url": self._source.url,
            "model": self._source.model,
            "decoding": {"temperature": 0.0, "constraint": self._source.structure},
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
        self._run(self._check_model())
        return time.perf_counter() - begun

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer a chunk: at most `parallel` requests at once, the first error ends them all.

        Raises:
            CragruError: If the server cannot be reached, refuses, or does not hold an answer to its pattern.
        """
        self._warned = False
        return self._run(self._ask(questions))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            if not _is_in_a_loop():
                return asyncio.run(work)
            with ThreadPoolExecutor(
                1
            ) as aside:  # a notebook's cell runs in a loop that cannot wait for another
                return aside.submit(asyncio.run, work).result()
        except CragruError as error:
            raise error.within(self._name) from error

    async def _check_model(self) -> None:
        async with self._client() as client:
            # a server that is down is told at once
            models = await self._in_time(self._send(partial(self._models, client), is_busy))
        if models is None:
            log.info("%s lists no models: the first answer shows whether it is there", self._name)
            return
        served = sorted(model.id for model in models.data)
        if self._source.model not in served:
            names = self._said(", ".join(served)).split(", ")
            raise CragruError("no such model is served", got=self._source.model, allowed=names)

    async def _models(self, client: openai.AsyncOpenAI) -> Models | None:
        """Return the models that are served; None where the server does not list them."""
        seconds = min(CHECK_SECONDS, self._source.timeout)
        try:
            reply = await client.models.with_raw_response.list(timeout=seconds)
        except openai.APIStatusError as error:
            if error.status_code in NO_LIST:
                return None
            raise
        return read_reply(reply.http_response.content, Models)

    async def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        slots = asyncio.Semaphore(self._source.parallel)
        async with self._client() as client:
            answer = partial(self._answer, client, slots)
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(answer(question)) for question in questions]
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _answer(
        self, client: openai.AsyncOpenAI, slots: asyncio.Semaphore, question: Question
    ) -> Answer:
        own, prompt = self._tokenizer, question.prompt
        sent = own.harmless(prompt) if own else soften(prompt, ())
        request = partial(
            client.chat.completions.with_raw_response.create,
            model=self._source.model,
            messages=[{"role": "user", "content": sent}],
            temperature=0.0,
            max_tokens=self._longest(question),
            **self._structure(question),
        )
        async with slots:  # also while it waits to ask again: a busy server gets fewer requests
            return await self._in_time(self._held_answer(request, question))

    def _longest(self, question: Question) -> int:
        return longest_answer(question.ids, self._source.is_compact)

    def _structure(self, question: Question) -> dict[str, Any]:
        """Return the part of a request that asks for the form of an answer."""
        match self._source.structure:
            case "regex":
                return {"extra_body": {"structured_outputs": {"regex": question.pattern}}}
            case "response_regex":
                return {"response_format": {"type": "regex", "value": question.pattern}}
            case "json_schema":
                scores = {"name": "scores", "strict": True, "schema": answer_schema(question.ids)}
                return {"response_format": {"type": "json_schema", "json_schema": scores}}
        return {}

    async def _held_answer(self, request: Request[Any], question: Question) -> Answer:
        """Return an answer that keeps to its pattern."""
        for _ in range(min(TIMES_ASKED, 1 + self._source.retries)):
            completion = await self._send(partial(_whole, request), may_pass)
            answer = self._read(completion, question)
            if self._is_held(answer, question):
                return answer
        raise CragruError(
            "the answer breaks its pattern",
            got=self._said(answer.text),
            advice=f"see whether the server holds to `structure: {self._source.structure}`",
        )

    async def _in_time(self, work: Awaitable[Result]) -> Result:
        """Wait for work no longer than `deadline`: neither for a reply that drips, nor for try after try."""
        seconds = self._source.deadline
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            pass
        # outside of the handler: the chain of what was interrupted may have the key
        raise CragruError(
            f"no answer in {seconds:g} s, all tries included",
            advice="look into the server's log, or raise `deadline`",
        )

    async def _send(self, request: Request[Result], is_retried: Retried) -> Result:
        """Return what a request returns, which is sent again where `is_retried` says so."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(1 + self._source.retries),
            wait=_pause,
            retry=retry_if_exception(is_retried),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            return await retrying(request)
        except openai.OpenAIError as error:
            problem = problem_of(error, self._source.key, self._key)
        tries = retrying.statistics["attempt_number"]
        # outside of the handler: a server may send back the key, and a log has the whole chain of exceptions
        raise CragruError.of([replace(problem, what=f"{problem.what} (try {tries})")])

    @cached_property
    def _tokenizer(self) -> ChatTokenizer | None:
        return None if self._folder is None else ChatTokenizer(self._folder)

    def _read(self, completion: Completion, question: Question) -> Answer:
        content, refusal, own = completion.content, completion.refusal, self._tokenizer
        reason = self._said(completion.finish_reason)
        if content is None or refusal or reason == "content_filter":
            said = self._said(refusal or content or reason)
            raise CragruError("no answer", got=said, advice="take another model, without thinking")
        text = compacted(content)
        prompt_tokens = tokens_told(completion.usage, "prompt_tokens")
        if prompt_tokens is None:
            prompt_tokens = own.counter(is_remote=True)(question.prompt) if own else 0
        answer_tokens = tokens_told(completion.usage, "completion_tokens")
        if answer_tokens is None:
            answer_tokens = own.count_answer(text) if own else 0
        reason = "stop" if reason in RIGHT_ENDS else reason
        return Answer(text, reason, prompt_tokens, answer_tokens, text != content)

    def _is_held(self, answer: Answer, question: Question) -> bool:
        """Tell whether an answer kept to its pattern, as far as it can be told of one that was cut.

        One that got all its tokens is longer than any that the pattern allows. One that was cut before met another
        limit, which `cragru.llm.scoring` tells.
        """
        if answer.finish_reason == "length":
            return answer.answer_tokens < self._longest(question)
        matched = re.fullmatch(question.pattern, answer.text)
        return answer.finish_reason != "stop" or matched is not None

    def _client(self) -> openai.AsyncOpenAI:
        """Return a client for one event loop. It never asks again itself, and goes to this machine without a proxy.

        It reads nothing of the environment but proxies and certificates: the key is the entry's.
        """
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it has a line for every request
        most, key = self._source.reply_mib, self._key or NO_KEY
        options = {"base_url": self._source.url, "timeout": self._source.timeout, "max_retries": 0}
        try:
            own = _is_loopback(self._source.url)
            transport = LimitedClient(most, trust_env=not own, follow_redirects=False)
            with hidden("OPENAI_"):
                return openai.AsyncOpenAI(api_key=key, http_client=transport, **options)
        except Exception as error:  # whatever the address, or a proxy of the environment, causes
            problem = lost_certificates(os.environ) or _no_way(error, os.environ.items())
        raise CragruError.of([problem])

    @cached_property
    def _key(self) -> str | None:
        """The API key, which no message has; None where the server asks for none."""
        return None if self._source.key is None else read_secret(self._source.key)

    def _said(self, words: str) -> str:
        return line_of(words, self._key)

    def _tell(self, state: RetryCallState) -> None:
        """Log a failure that may pass: the first of a chunk to the screen, for a busy server has thousands."""
        level, self._warned = logging.DEBUG if self._warned else logging.WARNING, True
        problem = problem_of(state.outcome.exception(), self._source.key, self._key)
        told = (state.attempt_number, self._source.retries, state.upcoming_sleep)
        log.log(level, "retry %d of %d in %.1f s: %s", *told, problem.within(self._name))


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_loopback(url: str) -> bool:
    """Tell whether an address is of this machine.

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


async def _whole(request: Request[Any]) -> Completion:
    """Return the reply to a prompt.

    Raises:
        BrokenOffError: If the server gave up in the midst of it.
    """
    reply = await request()
    completion = read_reply(reply.http_response.content, Completion)
    if completion.finish_reason in BROKEN_ENDS:
        raise BrokenOffError(completion.finish_reason)
    return completion


def _no_way(error: Exception, environment: Iterable[tuple[str, str]]) -> Problem:
    """Return why there is no client; neither the error's words, nor a value, which may have the password of a proxy."""
    socks = [name for name, value in environment if PROXY.fullmatch(name) and "socks" in value[:5]]
    if isinstance(error, ImportError) and socks:
        return Problem(
            "a SOCKS proxy needs a package more",
            place=", ".join(sorted(socks)),
            advice="run `.venv/bin/pip install socksio`, or unset the variable",
        )
    return Problem(
        "no way to connect",
        got=type(error).__name__,
        advice="correct `url`, or the variables http_proxy, https_proxy, all_proxy",
    )


def _pause(state: RetryCallState) -> float:
    """Return the seconds before the next try: more each time, and what the server asks for, up to a limit."""
    error, wanted = state.outcome.exception(), ""
    if isinstance(error, openai.APIStatusError):
        wanted = error.response.headers.get("retry-after", "")
    is_number = re.fullmatch(r"[0-9]+(\.[0-9]+)?", wanted, re.ASCII)  # it may be a date
    return min(max(BACK_OFF(state), float(wanted) if is_number else 0.0), LONGEST_PAUSE)
