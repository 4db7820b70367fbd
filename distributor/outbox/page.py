"""Waiting for the public page: a network that reads the link right after the post must find it."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urljoin

from distributor.contract import DeliveryError, Unavailable
from distributor.http import Answer, Http, Request

_PATIENCE = 1.0  #: seconds in one attempt: who cancels meanwhile should not see it go out long after
_BETWEEN = 0.1
_HOPS = 3  #: `/release` → `/release/`, http → https
_KNOWN = 1_000
_DOWNLOAD = 15.0  #: seconds for one photo that is there
_LARGEST = 32_000_000  #: bytes; no network takes a larger photo by its address


class NoPage(Unavailable):
    """The page is not there yet; nothing was sent."""


def _judged(answer: Answer, named: str) -> str:
    """Empty where the answer is what was asked for; `named` is the beginning of a file's SHA-256."""
    if answer.status != 200:
        return f"answered {answer.status}"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if named and not kind.startswith("image/"):
        return f"answered 200 with {kind or 'no type'} in place of a picture"
    if named and not hashlib.sha256(answer.body).hexdigest().startswith(named):
        return "answered 200 with another file: no server or CDN may change it on the way"
    return ""


@dataclass
class Pages:
    """What is known of public pages. Everybody who waits for one page waits for the same answer."""

    http: Http = field(default_factory=lambda: Http(connections=4))
    patience: float = field(default_factory=lambda: _PATIENCE)
    _seen: dict[str, None] = field(default_factory=dict, init=False)
    _asking: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)

    async def wait(self, url: str, *, file: bool = False) -> None:
        """Return once `url` answers 200; raises NoPage when it does not within `patience`.

        Of a `file`, which bears its own hash in the address (`MediaFile.address`), the answer has to be its very bytes:
        a server may answer 200 with a page that says "not found".
        """
        if url in self._seen:
            return
        asking = self._asking.get(url)
        if asking is None:
            asking = self._asking[url] = asyncio.create_task(self._ask(url, file=file))
            asking.add_done_callback(lambda _done: self._asking.pop(url, None))
        await asyncio.shield(asking)

    async def _ask(self, url: str, *, file: bool) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience
        while True:
            try:
                async with asyncio.timeout_at(max(until, loop.time() + (_DOWNLOAD if file else _BETWEEN))):
                    found = await self._status(url, file=file)
            except TimeoutError:
                found = "did not answer"
            if not found:
                self._seen[url] = None
                if len(self._seen) > _KNOWN:
                    del self._seen[next(iter(self._seen))]
                return
            if loop.time() + _BETWEEN >= until:
                what = "photo" if file else "page"
                raise NoPage(f"waits for its {what}: {url} {found}; nothing was sent")
            await asyncio.sleep(_BETWEEN)

    async def _status(self, url: str, *, file: bool) -> str:
        """Empty when the page is there, else what was found."""
        named = url.split("/")[-2] if file else ""
        for _ in range(_HOPS):
            try:
                answer = await self.http.send(Request(method="GET", url=url), most=_LARGEST if file else None)
            except DeliveryError as error:
                return f"gave {error.reason}"
            target = answer.headers.get("location", "")
            if answer.status not in (301, 302, 307, 308) or not target:
                return _judged(answer, named)
            url = urljoin(url, target)
        return "sends its visitors round and round"

    async def close(self) -> None:
        """Give back the connections."""
        for asking in self._asking.values():
            asking.cancel()
        await self.http.close()
