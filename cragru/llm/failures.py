"""What a server's failures mean, and what to do about each; its own words in one short line, without the key."""

import openai

from cragru.config.llms import ServerSource
from cragru.llm.limited_client import RefusedReplyError
from cragru.llm.secrets import masked

BUSY = (408, 429)  # and all from 500
SHOWN = 160  # characters of a server's words in a message
LOOKED_AT = 10_000  # characters of a server's words that are read for it
LONGEST_ESCAPE = 12  # characters of a letter of the key, escaped


def problem_of(
    error: openai.OpenAIError, source: ServerSource, secret: str | None
) -> tuple[str, str]:
    """What a failure means, and what to do.

    Args:
        error: What the client raised.
        source: The server's entry.
        secret: The key that was sent, if any.
    """
    if isinstance(error, openai.APITimeoutError):
        why = type(error.__cause__).__name__
        return (
            f"no answer in time ({why})",
            "raise `timeout` or lower `parallel` in the registry",
        )
    if isinstance(error, RefusedReplyError):
        return (
            f"the reply is refused: {error}",
            "correct `url`, or raise `reply_mib` in the registry",
        )
    if isinstance(error, openai.APIConnectionError):
        why = line_of(str(error.__cause__ or ""), secret) or type(error.__cause__).__name__
        return (
            f"no connection ({why})",
            "see whether the server runs, or correct `url` in the registry",
        )
    if not isinstance(error, openai.APIStatusError):
        return (
            f"the client failed ({type(error).__name__})",
            "correct the entry in the registry",
        )
    return _status_problem(source, error.status_code, line_of(_words(error.body), secret))


def _status_problem(source: ServerSource, status: int, said: str) -> tuple[str, str]:
    told = f"{status}: {said}" if said else str(status)
    if status in (401, 403):  # without the server's words: some repeat the key, or parts of it
        variable = source.key
        check = (
            f"check the key in {variable}"
            if variable
            else "name the variable that holds its key in `key`"
        )
        return f"access is refused ({status})", check
    if status == 404:
        return f"no such address or model ({told})", "correct `url` or `model` in the registry"
    if status == 429:
        return (
            f"too many requests ({told})",
            "lower `parallel` in the registry, or try again later",
        )
    if status in (400, 413, 422):
        return (
            f"the request is refused ({told})",
            "the server must support structured outputs, and its context hold the prompt and the answer",
        )
    if status in BUSY or status >= 500:
        return f"the server failed ({told})", "look into its log, or try again later"
    return f"unexpected status ({told})", "correct `url` in the registry"


def line_of(words: str, secret: str | None) -> str:
    """A server's words in one short line, without the key that was sent."""
    start = words[:LOOKED_AT]
    printable = "".join(letter if letter.isprintable() else " " for letter in start)
    line = " ".join(printable.split())
    if secret is not None:
        line = masked(line, secret)
        if len(words) > LOOKED_AT:  # its end may be the beginning of a key
            line = line[: -LONGEST_ESCAPE * len(secret)]
    return line[:SHOWN]


def _words(body: object) -> str:
    """What an error's body tells; servers differ in the field."""
    if isinstance(body, dict):
        body = body.get("message") or body.get("detail") or body
    try:
        return str(body or "")
    except RecursionError:
        return "nested too deeply"
