"""What a server's failures mean, and what to do about each; its own words in one short line, without the key."""

from dataclasses import replace

import openai

from cragru.core.errors import Problem, short
from cragru.llm.replies import BrokenOffError, RefusedReplyError
from cragru.llm.secrets import masked

LOOKED_AT = 10_000  # characters of a server's words that are read
LONGEST_ESCAPE = 12  # characters of a letter of the key, escaped

FORBIDDEN = Problem("access is refused", advice="check the key, and which variable `key` names")
UNFIT = Problem("the request is refused", advice="check `structure`, and the length of the context")
FAILED = Problem("the server failed", advice="look into its log, or try again later")
# 424: TGI has too much to do, or failed inside; 425 and 409: not now
BUSY = (408, 409, 424, 425, 429)
MEANING = {
    **dict.fromkeys((400, 413, 422), UNFIT),
    **dict.fromkeys((401, 403), FORBIDDEN),
    404: Problem("no such address or model", advice="correct `url` or `model`"),
    **dict.fromkeys(BUSY, FAILED),
    429: Problem("too many requests", advice="lower `parallel`, or try again later"),
}
BROKEN_OFF = Problem("the server broke off its answer", advice=FAILED.advice)
UNKNOWN = Problem("unexpected status", advice="correct `url`")


def may_pass(error: BaseException) -> bool:
    """Tell whether the same request may succeed later: not so where the server said that it is wrong."""
    return isinstance(error, openai.APIConnectionError | BrokenOffError) or is_busy(error)


def is_busy(error: BaseException) -> bool:
    """Tell whether a server answers that it cannot now."""
    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    return status in BUSY or status >= 500


def problem_of(error: openai.OpenAIError, variable: str | None, secret: str | None) -> Problem:
    """Return what a failure means, and what to do; nothing of it shows the secret, of that variable, that was sent."""
    if isinstance(error, openai.APIStatusError):
        status, said = error.status_code, line_of(_words(error), secret)
        problem = MEANING.get(status, FAILED if status >= 500 else UNKNOWN)
        if problem is FORBIDDEN:  # without the server's words: some repeat the key, or parts of it
            return replace(problem, place=variable or "", got=str(status))
        return replace(problem, got=f"{status}: {said}".removesuffix(": "))
    if isinstance(error, RefusedReplyError):
        return Problem(str(error), advice="correct `url`, or raise `reply_mib`")
    if isinstance(error, BrokenOffError):
        return replace(BROKEN_OFF, got=str(error))
    why = type(error.__cause__ or error).__name__
    if isinstance(error, openai.APITimeoutError):
        return Problem("no answer in time", got=why, advice="raise `timeout` or lower `parallel`")
    why = line_of(str(error.__cause__ or ""), secret) or why
    return Problem("no connection", got=why, advice="start the server, or correct `url`")


def line_of(words: str, secret: str | None) -> str:
    """Return a server's words in one short line, without the key that was sent."""
    line = " ".join(words[:LOOKED_AT].split())
    if secret is not None:
        line = masked(line, secret)
        if len(words) > LOOKED_AT:  # its end may be the beginning of a key
            line = line[: -LONGEST_ESCAPE * len(secret)]
    return short(line)


def _words(error: openai.APIStatusError) -> str:
    """Return what an error's body tells, which servers have in one field or another; else all of it."""
    if isinstance(told := error.body, dict):
        told = told.get("message") or told.get("detail")
    return told if told and isinstance(told, str) else error.response.text
