"""Reading the body of an answer, bounded by what it decodes to and not by what travels.

httpx decodes each chunk whole: 258 bytes that were packed twice became 838 MB. Here zlib stops
at the limit, and only one coding that was asked for is undone (RFC 9110 §8.4).
"""

import zlib
from collections.abc import AsyncIterator

import httpx

#: How zlib is told the form: gzip (RFC 1952) or zlib (RFC 1950), as `deflate` means.
_FORMS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
#: What `Accept-Encoding` asks for.
ACCEPTED = "gzip, deflate"


async def read(response: httpx.Response, most: int) -> bytes:
    """Return at most `most` decoded bytes of a body.

    Return nothing where the body is packed several times over, in a way that nobody asked for, or
    is damaged: the status says what happened, and no server that we know does this.
    """
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        return await _plain(response.aiter_raw(), most)
    if coding not in _FORMS:
        return b""
    try:
        return await _unpacked(response.aiter_raw(), zlib.decompressobj(_FORMS[coding]), most)
    except zlib.error:
        return b""


async def _plain(chunks: AsyncIterator[bytes], most: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) >= most:
            break
    return bytes(body[:most])


async def _unpacked(chunks: AsyncIterator[bytes], unpack: "zlib._Decompress", most: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        while chunk and len(body) < most:
            body += unpack.decompress(chunk, most - len(body))
            chunk = unpack.unconsumed_tail  # noqa: PLW2901  the rest of the same chunk
        if len(body) >= most or unpack.eof:
            break
    return bytes(body)
