"""What is read of a server's reply: no more than was told, and checked, for the client passes on whatever comes."""

import contextlib
import json
import re
from typing import Annotated, Any, TypeVar

import openai
from pydantic import AliasPath, BaseModel, BeforeValidator, Field, ValidationError

from cragru.core.errors import CragruError

CODINGS = ("gzip", "deflate")  # what is asked for; 64 KiB of either unpack to at most 66 MiB
CHOICE = ("choices", 0)
RIGHT_ENDS = ("stop", "eos_token", "stop_sequence", "STOP", "end_turn")  # nothing was cut
BROKEN_ENDS = ("abort", "error")  # of vLLM and SGLang: the engine gave up, and may not do so again
NO_REPLY = (ValueError, RecursionError, LookupError, AttributeError, TypeError)
MOST_TOKENS = 100_000_000  # more than any model holds: a server that counts more has not counted
Reply = TypeVar("Reply", bound=BaseModel)


class RefusedReplyError(openai.OpenAIError):
    """A reply that is not read to its end; the client does not ask again."""


class BrokenOffError(openai.OpenAIError):
    """An answer that the server broke off."""


class LimitedClient(openai.DefaultAsyncHttpxClient):
    """The client's own transport, with a cap on the size of a reply once it is unpacked.

    An error that a server sends under status 200 gets the status that it names.
    """

    def __init__(self, most_mib: float, **options: Any) -> None:
        """Set the cap; the options are those of the client."""
        super().__init__(headers={"Accept-Encoding": ", ".join(CODINGS)}, **options)
        self._most_mib = most_mib

    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request and read the whole reply, or raise `RefusedReplyError`; streams are read too."""
        reply = await super().send(request, stream=True, **options)
        headers, content = reply.headers.copy(), bytearray()
        coding = headers.pop("content-encoding", "").lower()  # `content` is unpacked
        async with contextlib.aclosing(reply):
            if coding not in ("", "identity", *CODINGS):  # of several, one after the other, too
                raise RefusedReplyError("the reply is packed in a way that was not asked for")
            async for piece in reply.aiter_bytes():
                if len(content) + len(piece) > self._most_mib * 2**20:
                    raise RefusedReplyError(f"the reply is larger than {self._most_mib:g} MiB")
                content += piece
        known = {"headers": headers, "request": reply.request}
        status = _meant_status(reply.status_code, bytes(content))
        return type(reply)(status, content=bytes(content), **known)


def _joined(content: Any) -> Any:
    """Return the text of a list of texts, which some servers send; anything else as it is, to be refused."""
    try:
        return "".join(part["text"] for part in content if part["type"] == "text")
    except (TypeError, LookupError):
        return content


class Completion(BaseModel):
    """The reply to a prompt; `usage` is read by `tokens_told`, for an answer without counts is an answer."""

    content: Annotated[str | None, BeforeValidator(_joined)] = Field(
        validation_alias=AliasPath(*CHOICE, "message", "content")
    )
    refusal: str | None = Field(None, validation_alias=AliasPath(*CHOICE, "message", "refusal"))
    finish_reason: str = Field(validation_alias=AliasPath(*CHOICE, "finish_reason"))
    usage: Any = None


class Model(BaseModel):
    """A model that is served."""

    id: str


class Models(BaseModel):
    """The models that are served."""

    data: list[Model]


def read_reply(content: bytes, kind: type[Reply]) -> Reply:
    """Return a reply's fields.

    Raises:
        CragruError: If it is not JSON, has a key twice, or lacks what `kind` has. It shows none of the server's words.
    """
    try:
        return kind.model_validate(json.loads(content, object_pairs_hook=_without_doubles))
    except ValidationError as error:
        first = error.errors()[0]
        place, why = ".".join(map(str, first["loc"])), first["msg"]
    except (ValueError, RecursionError) as error:  # also Python's limit to the digits of a number
        place, why = "", str(error)
    # outside of the handlers, so that no chain has the body
    raise CragruError(f"the reply is not OpenAI's ({why})", place=place, advice="correct `url`")


def _meant_status(status: int, content: bytes) -> int:
    """Return the status of a reply: of an error under 200 the one that it has as `code`, or else 500."""
    error = None
    if status == 200 and b'"error"' in content:
        with contextlib.suppress(*NO_REPLY):  # `read_reply` says what is wrong
            reply = json.loads(content)
            error = reply.get("error") or reply["choices"][0].get("error")
    code = str(error.get("code")) if isinstance(error, dict) else ""
    meant = int(code) if re.fullmatch("[45][0-9][0-9]", code) else 500
    return meant if error else status


def tokens_told(usage: Any, field: str) -> int | None:
    """Return a count of tokens that a reply's `usage` tells, or None where it tells none that can be."""
    told = usage.get(field) if isinstance(usage, dict) else None
    return told if type(told) is int and 0 <= told <= MOST_TOKENS else None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a key that is there twice nobody knows which value is meant."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice in one object")
    return found
