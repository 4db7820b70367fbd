"""Waiting for the public page: a network that reads the link right after the post must find it."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urljoin

from distributor.contract import DeliveryError, Unavailable
from distributor.http import Http, Request

_PATIENCE = 1.0  #: seconds in one attempt: who cancels meanwhile should not see it go out long after
_BETWEEN = 0.1
_HOPS = 3  #: `/release` → `/release/`, http → https
_KNOWN = 1_000


class NoPage(Unavailable):
    """The page is not there yet; nothing was sent."""


@dataclass
class Pages:
    """What is known of public pages. Everybody who waits for one page waits for the same answer."""

    http: Http = field(default_factory=lambda: Http(connections=4))
    patience: float = field(default_factory=lambda: _PATIENCE)
    _seen: dict[str, None] = field(default_factory=dict, init=False)
    _asking: dict[str, asyncio.Task[None]] = field(default_factory=dict, init=False)

    async def wait(self, url: str) -> None:
        """Return once `url` answers 200; raises NoPage when it does not within `patience`."""
        if url in self._seen:
            return
        asking = self._asking.get(url)
        if asking is None:
            asking = self._asking[url] = asyncio.create_task(self._ask(url))
            asking.add_done_callback(lambda _done: self._asking.pop(url, None))
        await asyncio.shield(asking)

    async def _ask(self, url: str) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience
        while True:
            try:
                async with asyncio.timeout_at(max(until, loop.time() + _BETWEEN)):
                    found = await self._status(url)
            except TimeoutError:
                found = "did not answer"
            if not found:
                self._seen[url] = None
                if len(self._seen) > _KNOWN:
                    del self._seen[next(iter(self._seen))]
                return
            if loop.time() + _BETWEEN >= until:
                raise NoPage(f"waits for its page: {url} {found}; nothing was sent")
            await asyncio.sleep(_BETWEEN)

    async def _status(self, url: str) -> str:
        """Empty when the page is there, else what was found."""
        for _ in range(_HOPS):
            try:
                answer = await self.http.send(Request(method="GET", url=url))
            except DeliveryError as error:
                return f"gave {error.reason}"
            target = answer.headers.get("location", "")
            if answer.status not in (301, 302, 307, 308) or not target:
                return "" if answer.status == 200 else f"answered {answer.status}"
            url = urljoin(url, target)
        return "sends its visitors round and round"

    async def close(self) -> None:
        """Give back the connections."""
        for asking in self._asking.values():
            asking.cancel()
        await self.http.close()
