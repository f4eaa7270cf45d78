"""What is read of a server's reply, checked here: the client passes on whatever comes."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

MOST_TOKENS = 100_000_000  # more than any model holds: a server that counts more has not counted


class BadReplyError(Exception):
    """A reply that cannot be read; its words are none of the server's, which may have the key."""


class Message(BaseModel):
    """What the model says."""

    content: str | None
    refusal: str | None = None


class Choice(BaseModel):
    """An answer, and why it ended."""

    message: Message
    finish_reason: str


class Completion(BaseModel):
    """The reply to a prompt; `usage` is read by `tokens_told`, for an answer without counts is an answer."""

    choices: list[Choice] = Field(min_length=1)
    usage: Any = None


class Model(BaseModel):
    """A model that is served."""

    id: str


class Models(BaseModel):
    """The reply to the question which models are served."""

    data: list[Model]


Reply = TypeVar("Reply", bound=BaseModel)


def read_reply(content: bytes, kind: type[Reply]) -> Reply:
    """A reply's fields.

    Args:
        content: The whole body.
        kind: What it must be.

    Raises:
        BadReplyError: If it is not JSON, has a key twice, or lacks what `kind` has.
    """
    try:
        return kind.model_validate(json.loads(content, object_pairs_hook=_without_doubles))
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"is not OpenAI's ({'.'.join(map(str, first['loc']))}: {first['msg']})"
    except (json.JSONDecodeError, UnicodeDecodeError):
        problem = "is not JSON"
    except BadReplyError as error:
        problem = str(error)
    except (ValueError, RecursionError):  # Python's limits to the digits of a number and to nesting
        problem = "is JSON that cannot be read: nested too deeply, or a number is too long"
    raise BadReplyError(
        f"the reply {problem}"
    )  # outside of the handlers, so that no chain has the body


def tokens_told(usage: Any, field: str) -> int | None:
    """A count of tokens that a server tells, or None where it tells none that can be: negative, or beyond all models.

    Args:
        usage: The reply's `usage`, whatever it holds.
        field: Which count.
    """
    told = usage.get(field) if isinstance(usage, dict) else None
    is_count = isinstance(told, int) and not isinstance(told, bool)
    return told if is_count and 0 <= told <= MOST_TOKENS else None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a key that is there twice nobody knows which value is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadReplyError("has a key twice in one object")
    return found
