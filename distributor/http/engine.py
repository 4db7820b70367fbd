"""The connections under httpx: aiohttp's, because httpx's own pool collapses above ten at once (docs/decisions/0009).

What the rest sees is httpx: its Request, its Response and its exceptions. The ready-made bridge tells a connection that
broke after the request had left as one that was never made; here the two are kept apart.
"""

import socket
import ssl
from collections.abc import AsyncIterator
from functools import cache

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from distributor.handover import about_to_write
from distributor.http.address import PRIVATE, is_public

_CONNECT = 5.0
_ANSWER = 30.0


@cache
def _trust() -> ssl.SSLContext:
    """Whom to believe: reading that list takes as long as a post."""
    return httpx.create_ssl_context(trust_env=False)


class Transport(httpx.AsyncBaseTransport):
    """httpx's transport (https://www.python-httpx.org/advanced/transports/) on aiohttp's connector. Repeats nothing: aiohttp
    itself tries again only GET, PUT and the like on a connection that had gone stale, never POST (RFC 9110 §9.2.2).
    """

    def __init__(self, *, connections: int, private: bool = True) -> None:
        """At most so many connections at once; the others wait. `private`: addresses of this house's network are no error."""
        self._most = connections
        self._private = private
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._most,
            resolver=None if self._private else _PublicResolver(),
            ssl=_trust(),
            keepalive_timeout=15,  # shorter than any server's: a stale connection puts a write in doubt
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # httpx does that
            trust_env=False,
            timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT, sock_read=_ANSWER),
            skip_auto_headers=("User-Agent", "Content-Type"),
            trace_configs=[_before_the_write()],
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send and return the answer with its body unread.

        Raises httpx.ConnectError or ConnectTimeout when certainly nothing was written, httpx.ReadError, ReadTimeout or
        RemoteProtocolError when it may have been.
        """
        if not self._private and not is_public(request.url.host):
            raise httpx.ConnectError(f"{request.url.host} {PRIVATE}")
        if self._session is None:
            self._session = self._open()
        try:
            answer = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),  # a signature in it holds for these very bytes
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise httpx.ConnectError(str(error)) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise httpx.UnsupportedProtocol(str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(str(error)) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _before_the_write() -> aiohttp.TraceConfig:
    """Tell that bytes leave next, once there is a connection: a request that found none was never written."""

    async def tell(*_told: object) -> None:
        about_to_write()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(tell)
    trace.on_connection_reuseconn.append(tell)
    return trace


class _PublicResolver(ThreadedResolver):
    """Against server-side request forgery (CWE-918): a name may lead to public addresses only, at every connection."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if any(not is_public(one["host"].partition("%")[0]) for one in found):
            raise OSError(f"{host} {PRIVATE}")
        return found


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.content.iter_any():
                yield chunk
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        # A body read to its end gives its connection back; one that was cut off closes it.
        if self._answer.content.at_eof():
            self._answer.release()
        else:
            self._answer.close()
