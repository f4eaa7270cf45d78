"""An HTTP client that reads no more of a reply than it was told, however much a server sends."""

import contextlib
from typing import Any

import openai

CODINGS = ("gzip", "deflate")  # what is asked for; 64 KiB of either unpack to at most 66 MiB
MIB = 1 << 20


class RefusedReplyError(openai.OpenAIError):
    """A reply that is not read to its end; the client does not ask again."""


class LimitedClient(openai.DefaultAsyncHttpxClient):
    """The client's own transport, with a cap on the size of a reply once it is unpacked."""

    def __init__(self, most_mib: float, **options: Any) -> None:
        """Set the cap; the options are those of the client."""
        super().__init__(headers={"Accept-Encoding": ", ".join(CODINGS)}, **options)
        self._most_mib = most_mib

    async def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request and read the whole reply, whether or not the caller wants a stream.

        Raises:
            RefusedReplyError: If the reply is too large, or packed in a way that was not asked for.
        """
        reply = await super().send(request, stream=True, **options)
        headers, content = reply.headers.copy(), bytearray()
        coding = headers.pop("content-encoding", "").lower()  # `content` is unpacked
        async with contextlib.aclosing(reply):
            if coding not in ("", "identity", *CODINGS):  # of several, one after the other, too
                raise RefusedReplyError("the reply is packed in a way that was not asked for")
            async for piece in reply.aiter_bytes():
                if len(content) + len(piece) > self._most_mib * MIB:
                    raise RefusedReplyError(f"the reply is larger than {self._most_mib:g} MiB")
                content += piece
        told = {"headers": headers, "content": bytes(content), "request": reply.request}
        return type(reply)(reply.status_code, **told)
