"""The channels that an outbox sends on: those of the config in force, how much each takes, and where each leads."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from distributor import destinations
from distributor.contract import Channel
from distributor.destinations import Facts
from distributor.outbox.thread import InThread
from distributor.store import Room, Waiting
from distributor.store import destinations as places

_FIRST_BLOCK = 50
Find = Callable[[str], Channel | None]


@dataclass(kw_only=True)
class InForce:
    """The channels in force by name, and their rooms."""

    channels: dict[str, Channel]
    #: What to do with a channel that came into the config, or left it, since it was read; None: others answer for it.
    find: Find | None
    rooms: dict[str, Room] = field(default_factory=dict, init=False)
    _retiring: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        """Take the channels of the start."""
        for name, channel in self.channels.items():
            self.know(name, channel)

    def know(self, name: str, channel: Channel | None) -> None:
        """Take a channel and how much it takes; without one, what waits there is held."""
        self.rooms[name] = Room(channel=name, free=1)
        if channel:
            self.channels[name] = channel
            room, rate = channel.concurrency, channel.limit
            self.rooms[name] = Room(channel=name, free=room, account=channel.account, rate=rate)

    def free(self, in_flight: Counter[str]) -> list[Room]:
        """Return how much each channel takes now.

        The first block is small, so that the first bytes leave while the second is written down: what waits in a crash
        is not in doubt then.
        """
        return [
            replace(most, free=min(most.free - in_flight[name], most.free if in_flight[name] else _FIRST_BLOCK))
            for name, most in self.rooms.items()
        ]

    def objection(self, name: str, agreed: Facts | None) -> tuple[str, Facts | None] | None:
        """Return why what waits for a channel may not leave, and where it leads now; None where it may."""
        return destinations.objection(name, agreed, self.channels.get(name))

    def adopt(self, channels: Mapping[str, Channel], in_flight: list[asyncio.Task[None]]) -> None:
        """Use the channels of a config that changed. What is in flight ends on the channel that it was claimed for.

        A channel whose block did not change keeps its connections.
        """
        kept = {name: old for name, old in self.channels.items() if channels.get(name) == old}
        retired = [old for name, old in self.channels.items() if name not in kept]
        self.channels.clear()
        self.rooms.clear()
        for name, channel in channels.items():
            self.know(name, kept.get(name, channel))
        if retired:
            task = asyncio.create_task(_retire(retired, in_flight))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    def resolve(self, rows: list[Waiting]) -> dict[str, Channel | None]:
        """Return the channel of everything that waits; None for one that is not in the config."""
        found: dict[str, Channel | None] = {}
        for name in dict.fromkeys(one.channel for one in rows):
            known = self.channels.get(name)
            found[name] = self.find(name) if known is None and self.find else known
        return found

    async def close(self) -> None:
        """Give back all connections."""
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for channel in self.channels.values():
            await channel.close()


async def _retire(channels: list[Channel], in_flight: list[asyncio.Task[None]]) -> None:
    if in_flight:
        await asyncio.wait(in_flight)
    for channel in channels:
        await channel.close()


class Comparing(InThread):
    """Compares what waits with the channels in force."""

    on_room: Callable[[], None]
    _in_force: InForce

    async def compare(self) -> list[Waiting]:
        """Record which destinations are no longer the agreed ones; return what waits for a channel that is gone."""
        rows = await self._in_thread(partial(places.waiting, self.ledger))
        known = self._in_force.resolve(rows)
        found, mended = destinations.changed(rows, known), destinations.mended(rows, known)
        if found or mended:
            await self._in_thread(partial(places.note, self.ledger, found, mended, now=self.clock.now()))
            self.on_room()
        return [one for one in rows if known[one.channel] is None] if self._in_force.find else []
