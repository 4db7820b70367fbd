"""Several servers for one list: each with its own connections, rate and quota; a mail takes the one that is free first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from distributor.contract import DeliveryError, Throttled, Unavailable
from distributor.fields import RateLimit
from distributor.mailbox import Mailbox
from distributor.rate import Rate
from distributor.settings import Secret

from .job import Timeouts
from .quota import Domains, Quota
from .server import Server, Tls
from .smtp import Sender

_PATIENCE = timedelta(seconds=1)  #: a shorter wait is waited here; a longer one goes back into the ledger
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)
_WELL = timedelta(minutes=1)  #: without a complaint: the next pause is short again


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One entry of `servers`, as the config writes it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    smtp: str
    password: Secret | None = None
    tls: Tls = "starttls"
    connections: int = 4
    per_connection: int | None = None
    rate: RateLimit | None = None
    quota: int | None = None  #: mails in any 24 hours

    def __post_init__(self) -> None:
        """ValueError for a number that lets nothing through."""
        if self.connections < 1 or any(one is not None and one < 1 for one in (self.per_connection, self.quota)):
            raise ValueError("connections, per_connection and quota must be above zero")


@dataclass(kw_only=True)
class Route:
    """One server and what it may get."""

    sender: Sender
    rate: Rate | None
    quota: Quota | None
    _full_at: datetime | None = field(default=None, init=False)
    _paused_until: datetime | None = field(default=None, init=False)
    _pause: timedelta = field(default=_FIRST_PAUSE, init=False)
    _why: str = field(default="", init=False)

    def free_at(self, now: datetime) -> datetime:
        """When it takes another mail."""
        free = max(now, self._paused_until or now, self.quota.free_at(now) if self.quota else now)
        if self.rate and self._full_at and not self.rate.grant(self._full_at, now, 1)[0]:
            free = max(free, self.rate.next_at(self._full_at))
        return free

    def take(self, now: datetime) -> None:
        """One mail goes this way."""
        if self.rate:
            _, self._full_at = self.rate.grant(self._full_at, now, 1)
        if self.quota:
            self.quota.take(now)

    def rest(self, error: Throttled, now: datetime) -> None:
        """It asked to be left alone: for as long as it says, and twice as long each time it must ask again."""
        if self._paused_until and now > self._paused_until + _WELL:
            self._pause = _FIRST_PAUSE
        self._paused_until = max(error.until or now, now + self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._why = error.reason

    @property
    def why(self) -> str:
        """Why it takes nothing now."""
        return self._why or f"{self.sender.server.place} has got what it may get"


@dataclass(kw_only=True)
class Pool:
    """The servers of one channel."""

    routes: list[Route]
    domains: Domains
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def send(self, *, sender: str, recipient: str, wire: bytes) -> str:
        """Hand over `wire` to the server that is free first. Raises DeliveryError as `Sender.send`; Throttled when none takes
        anything for a while.
        """
        self.domains.wait(recipient, self.now())
        while True:
            route = await self._free()
            route.take(self.now())
            try:
                return await route.sender.send(sender=sender, recipient=recipient, wire=wire)
            except Throttled as error:
                route.rest(error, self.now())
                if len(self.routes) == 1:
                    raise

    async def _free(self) -> Route:
        while True:
            now = self.now()
            free = [(one.free_at(now), one.sender.load, at) for at, one in enumerate(self.routes)]
            at, _, which = min(free)
            if at <= now:
                return self.routes[which]
            if at - now > _PATIENCE:
                raise Throttled(self.routes[which].why, until=at)
            await asyncio.sleep((at - now).total_seconds())

    async def prepare(self) -> None:
        """Open every connection of every server. Raises DeliveryError that names those which take none."""
        made = await asyncio.gather(*(one.sender.prepare() for one in self.routes), return_exceptions=True)
        failed = [error for error in made if isinstance(error, BaseException)]
        if len(failed) == 1 and (len(self.routes) == 1 or not isinstance(failed[0], DeliveryError)):
            raise failed[0]
        if failed:
            rest = f"; {len(made) - len(failed)} of {len(made)} servers are ready"
            raise Unavailable("; ".join(str(error) for error in failed) + rest)

    async def close(self) -> None:
        """Give back the connections, and write down what the quotas have left."""
        for one in self.routes:
            if one.quota:
                one.quota.save()
        await asyncio.gather(*(one.sender.close() for one in self.routes))


def pool(
    relays: list[tuple[Relay, Server]], *, sender: Mailbox, timeouts: Timeouts, domains: dict[str, Rate], state: Path
) -> Pool:
    """The servers of a channel; `state` is the folder that remembers quotas."""
    routes = []
    for relay, server in relays:
        name = "".join(
            letter if letter.isalnum() else "-" for letter in f"{server.host}-{server.port}-{server.user or ''}"
        )
        routes.append(
            Route(
                sender=Sender(
                    server=server,
                    helo=sender.domain,
                    timeouts=timeouts,
                    connections=relay.connections,
                    most=relay.per_connection,
                ),
                rate=relay.rate,
                quota=Quota(relay.quota, state / f"{name}.json") if relay.quota else None,
            )
        )
    return Pool(routes=routes, domains=Domains({name.casefold(): cap for name, cap in domains.items()}))


def together(rates: list[Rate | None]) -> Rate | None:
    """What several servers take in all; None where one of them has no limit."""
    known = [rate for rate in rates if rate]
    if not known or len(known) < len(rates):
        return None
    if len(known) == 1:
        return known[0]
    minute = timedelta(minutes=1)
    count = max(1, int(sum(rate.count * (minute / rate.per) for rate in known)))
    return Rate(count=count, per=minute, burst=min(count, sum(rate.burst for rate in known)))
