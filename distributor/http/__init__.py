"""One HTTP client for every channel, and how its failures are read: the only core room that knows httpx."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from distributor import __version__
from distributor.files import deliver
from distributor.handover import asking
from distributor.http import body
from distributor.http.address import PRIVATE, extended
from distributor.message import MediaFile
from distributor.outcomes import InDoubt, Refused, Throttled, Unauthorized, Unavailable

__all__ = [
    "Answer", "Http", "Request", "extended", "is_secure", "multipart", "raise_for", "read_local", "retry_after", "write_local",
]  # fmt: skip

_CONNECTIONS = 200
_MAX_ANSWER = 1_000_000
_ASKS = ("GET", "HEAD", "OPTIONS")  #: change nothing at the other side (RFC 9110 §9.2.1)
_HEADERS = (("User-Agent", f"press-distributor/{__version__}"), ("Accept", "*/*"), ("Accept-Encoding", body.ACCEPTED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it goes out, without its credential."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def as_json(self) -> bytes:
        """The request as a readable file: what would go out, byte for byte (`body` is text, or base64)."""
        shown: dict[str, Any] = {"method": self.method, "url": self.url, "headers": dict(self.headers)}
        try:
            shown["body"] = self.body.decode("utf-8")
        except UnicodeDecodeError:
            shown["body_base64"] = base64.b64encode(self.body).decode("ascii")
        return json.dumps(shown, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; `{}` when it is anything else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Http:
    """A lazily opened client with its own connections; one per account."""

    def __init__(self, *, connections: int = _CONNECTIONS, private: bool = True) -> None:
        """Opens nothing yet; later at most so many connections at once, to private addresses only where `private`."""
        self._connections = connections
        self._private = private
        self._transport: httpx.AsyncBaseTransport | None = None

    async def send(self, request: Request, *, bearer: str | None = None, most: int | None = None) -> Answer:
        """Send and read the answer, whatever its status; a redirect is not followed, since it would carry the credential to
        another host. `most`: how many bytes of the answer are read; a megabyte where nothing is said.

        Raises Unavailable when certainly nothing was written (no connection), InDoubt when the answer was lost
        after the request may have left.
        """
        if self._transport is None:
            from distributor.http.engine import Transport  # its start-up time is only for who sends

            self._transport = Transport(connections=self._connections, private=self._private)
        headers = [*_HEADERS, *request.headers, *([("Authorization", f"Bearer {bearer}")] if bearer else [])]
        try:
            made = httpx.Request(request.method, request.url, headers=headers, content=request.body)
            with asking() if request.method in _ASKS else nullcontext():
                response = await self._transport.handle_async_request(made)
            try:
                return Answer(
                    status=response.status_code,
                    headers=response.headers,
                    body=await body.read(response, most or _MAX_ANSWER),
                )
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            if PRIVATE in str(error):
                raise Unauthorized(f"{_host(request.url)} {PRIVATE}: nothing was sent there") from None
            raise Unavailable(f"no connection to {_host(request.url)}: {type(error).__name__}") from None
        except (
            httpx.LocalProtocolError,
            httpx.InvalidURL,
            ValueError,
        ) as error:  # refused by our own side: nothing left
            raise Unauthorized(f"the request to {_host(request.url)} cannot be made: {type(error).__name__}") from None
        except httpx.HTTPError as error:
            raise InDoubt(f"{_host(request.url)} gave no answer: {type(error).__name__}") from None

    async def close(self) -> None:
        """Close the connections; the next `send` opens new ones."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None


def multipart(url: str, fields: Mapping[str, str], parts: Mapping[str, MediaFile]) -> Request:
    """A POST of text fields and files as multipart/form-data (RFC 7578); the boundary comes from the content, so that the same
    fields give the same bytes.
    """
    digest = hashlib.sha256(json.dumps([url, dict(fields)]).encode())
    for part in parts.values():
        digest.update(part.data)
    made = httpx.Request(
        "POST",
        url,
        headers={"Content-Type": f"multipart/form-data; boundary={digest.hexdigest()[:32]}"},
        data=dict(fields),
        files={name: (part.name, part.data, part.content_type) for name, part in parts.items()},
    )
    return Request(method="POST", url=url, headers=(("Content-Type", made.headers["Content-Type"]),), body=made.read())


def write_local(folder: Path, key: str, request: Request) -> Path:
    """Write the request into `folder` instead of sending it; the same key gives the same file."""
    if not re.fullmatch(r"[\w-]+", key):
        raise Refused("the delivery's key is not one of ours")  # it becomes a file name
    path = folder / f"{key}.json"
    deliver(path, request.as_json())
    return path


def read_local(path: Path) -> bytes | None:
    """The body of a request that `write_local` wrote; None when it is not there."""
    if not path.is_file():
        return None
    shown = json.loads(path.read_bytes())
    return base64.b64decode(shown["body_base64"]) if "body_base64" in shown else str(shown["body"]).encode()


def raise_for(answer: Answer, host: str, sentence: str, *, now: datetime | None = None) -> None:
    """Turn a status ≥ 400 into an outcome: 401/403 auth, 408/425/429 throttled, 5xx in doubt, else refused.

    503 with Retry-After says that the request was not taken: throttled. `sentence` is what the other side said.
    """
    if answer.status < 300:
        return
    text = f"{host} answered {answer.status}{': ' + sentence if sentence else ''}"
    until = retry_after(answer.headers, now or datetime.now(UTC))
    if answer.status in (401, 403):
        raise Unauthorized(text)
    if answer.status in (408, 425, 429) or (answer.status == 503 and until):
        raise Throttled(text, until=until)
    if answer.status >= 500:
        raise InDoubt(text)
    raise Refused(text)


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the other side wants to be asked again: Retry-After (RFC 9110 §10.2.3) or the rate headers' reset (X: x-rate-limit-reset)."""
    for name in ("retry-after", "x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"):
        value = headers.get(name)
        if not value:
            continue
        when = _when(value.strip(), now)
        if when:
            return min(max(when, now), now + timedelta(hours=24))
    return None


def _when(value: str, now: datetime) -> datetime | None:
    try:
        number = float(value)
    except ValueError:
        pass
    else:  # seconds to wait, or an epoch time; nonsense (inf, a year beyond 9999) says nothing
        if not 0 <= number < 1e11:
            return None
        return datetime.fromtimestamp(number, UTC) if number > 1_000_000_000 else now + timedelta(seconds=number)
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = read(value)
        except ValueError:
            continue
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return None


def is_secure(url: str) -> bool:
    """Whether a credential may travel there: https, or http on this machine itself (RFC 8252 §8.3)."""
    parts = httpx.URL(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.host in ("localhost", "127.0.0.1", "::1"))


def _host(url: str) -> str:
    return httpx.URL(url).host
