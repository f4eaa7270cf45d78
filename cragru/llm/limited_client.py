"""An HTTP client that reads no more of a reply than it was told, however much a server sends."""

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
        try:
            content = await self._read(reply)
        finally:
            await reply.aclose()
        headers = reply.headers.copy()
        headers.pop("content-encoding", None)  # `content` is unpacked
        known = {"request": reply.request, "extensions": reply.extensions}
        return type(reply)(reply.status_code, headers=headers, content=content, **known)

    async def _read(self, reply: Any) -> bytes:
        """Return the body, unpacked: each piece is counted before the next is asked for."""
        coding = reply.headers.get("content-encoding", "").lower()
        if coding not in ("", "identity", *CODINGS):  # of several, one after the other, too
            raise RefusedReplyError("the reply is packed in a way that was not asked for")
        content = bytearray()
        async for piece in reply.aiter_bytes():
            if len(content) + len(piece) > self._most_mib * MIB:
                raise RefusedReplyError(f"the reply is larger than {self._most_mib:g} MiB")
            content += piece
        return bytes(content)
