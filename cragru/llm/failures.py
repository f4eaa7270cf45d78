"""What a server's failures mean, and what to do about each; its own words in one short line, without the key."""

import openai

from cragru.config.llms import ServerSource
from cragru.core.errors import Problem, short
from cragru.llm.limited_client import RefusedReplyError
from cragru.llm.secrets import masked

LOOKED_AT = 10_000  # characters of a server's words that are read
LONGEST_ESCAPE = 12  # characters of a letter of the key, escaped


def may_pass(error: BaseException) -> bool:
    """Tell whether the same request may succeed later: not so where the server said that it is wrong."""
    return isinstance(error, openai.APIConnectionError) or is_busy(error)


def is_busy(error: BaseException) -> bool:
    """Tell whether a server answers that it cannot now."""
    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    return status in (408, 429) or status >= 500


def problem_of(error: openai.OpenAIError, source: ServerSource, secret: str | None) -> Problem:
    """Return what a failure means, and what to do.

    Args:
        error: What the client raised.
        source: The server's entry.
        secret: The key that was sent, if any.
    """
    if isinstance(error, openai.APIStatusError):
        said = line_of(_words(error.body), secret)
        return _status_problem(source, error.status_code, said)
    if isinstance(error, RefusedReplyError):
        return Problem(str(error), advice="correct `url`, or raise `reply_mib`")
    why = type(error.__cause__ or error).__name__
    if isinstance(error, openai.APITimeoutError):
        return Problem("no answer in time", got=why, advice="raise `timeout` or lower `parallel`")
    why = line_of(str(error.__cause__ or ""), secret) or why
    return Problem("no connection", got=why, advice="start the server, or correct `url`")


def _status_problem(source: ServerSource, status: int, said: str) -> Problem:
    told = f"{status}: {said}" if said else str(status)
    if status in (401, 403):  # without the server's words: some repeat the key, or parts of it
        return Problem(
            "access is refused",
            got=str(status),
            advice=f"check the key, and the variable that `key` names (now {source.key})",
        )
    if status == 404:
        return Problem("no such address or model", got=told, advice="correct `url` or `model`")
    if status == 429:
        return Problem("too many requests", got=told, advice="lower `parallel`, or wait")
    if status in (400, 413, 422):
        return Problem(
            "the request is refused",
            got=told,
            advice="it must support structured outputs, and its context hold prompt and answer",
        )
    if status == 408 or status >= 500:
        return Problem("the server failed", got=told, advice="look into its log, or wait")
    return Problem("unexpected status", got=told, advice="correct `url`")


def line_of(words: str, secret: str | None) -> str:
    """Return a server's words in one short line, without the key that was sent."""
    printable = "".join(letter if letter.isprintable() else " " for letter in words[:LOOKED_AT])
    line = " ".join(printable.split())
    if secret is not None:
        line = masked(line, secret)
        if len(words) > LOOKED_AT:  # its end may be the beginning of a key
            line = line[: -LONGEST_ESCAPE * len(secret)]
    return short(line)


def _words(body: object) -> str:
    """Return what an error's body tells; servers differ in the field."""
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body
    try:
        return str(body or "")
    except RecursionError:
        return "nested too deeply"
