"""An HTTP client that reads no more of a reply than it was told, however much a server sends."""

from typing import Any

import openai

CODINGS = ("gzip", "deflate")  # what is asked for; 64 KiB of either unpack to at most 66 MiB
MIB = 1 << 20


class RefusedReplyError(openai.OpenAIError):
    """A reply that is not read to its end."""


class LimitedClient(openai.DefaultAsyncHttpxClient):
    """The client's own transport, with a cap on the size of a reply once it is unpacked."""

    def __init__(self, most_mib: float, **options: Any) -> None:
        """Set up the client.

        Args:
            most_mib: Most MiB of a reply.
            options: Those of the client.
        """
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
        headers = [
            (name, value)
            for name, value in reply.headers.multi_items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return type(reply)(
            reply.status_code,
            headers=headers,
            content=content,
            request=reply.request,
            extensions=reply.extensions,
        )

    async def _read(self, reply: Any) -> bytes:
        """The body, unpacked: each piece is counted before the next is asked for."""
        codings = [
            name.lower()
            for name in reply.headers.get_list("content-encoding", split_commas=True)
            if name.lower() not in ("", "identity")
        ]
        if len(codings) > 1 or not set(codings) <= set(CODINGS):
            raise RefusedReplyError("packed in a way that was not asked for")
        pieces, size = [], 0
        async for piece in reply.aiter_bytes():
            size += len(piece)
            if size > self._most_mib * MIB:
                raise RefusedReplyError(f"larger than {self._most_mib:g} MiB")
            pieces.append(piece)
        return b"".join(pieces)
