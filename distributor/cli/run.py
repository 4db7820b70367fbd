"""`run`: the process that delivers."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from distributor import destinations, health, redact
from distributor import settings as configuration
from distributor.cli import draw, systemd
from distributor.cli.locks import only_one
from distributor.cli.logs import Log
from distributor.cli.main import Setting, listed
from distributor.cli.progress import List, Progress
from distributor.clock import Clock, Guard, SharedClock
from distributor.desk import Desk, publishing
from distributor.desk.following import Following
from distributor.errors import ActionError, StoreError
from distributor.outbox import Event, InFlight, Outbox, left_behind
from distributor.schedule import Alarm
from distributor.site import SQLITE
from distributor.store import Ledger, Worker

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from distributor.cli.metrics import Metrics
    from distributor.store.restored import Restored


#: How often all that waits is compared with the config; also at every change of it, and at each claim.
_COMPARE = timedelta(seconds=10)
#: Days before its end at which a connection is spoken of.
_WARNINGS = (14, 7, 1)


@click.command("run")
@click.option("--until-idle", is_flag=True, help="End when nothing waits any more (for a cron job or a demo).")
@click.option("--channels", multiple=True, metavar="NAME,…", help="Deliver only these (default: all enabled ones).")
@click.option("--log", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--metrics", metavar="[HOST:]PORT", help="Serve /metrics for Prometheus and /health there.")
@click.pass_obj
def run_command(setting: Setting, *, until_idle: bool, channels: Sequence[str], log: str, metrics: str | None) -> None:
    """Deliver every release at its embargo instant, print a line per delivery, and keep running.

    With a SQLite store one process works on a site. With PostgreSQL any number share the work, on any machines.
    """
    desk = setting.desk(listed(channels))
    desk.site.need_root()
    asyncio.run(serve_alarm(desk, until_idle=until_idle, as_json=log == "json", metrics=metrics))


async def serve_alarm(desk: Desk, *, until_idle: bool, as_json: bool = False, metrics: str | None = None) -> None:
    """Run alarm and outbox until a signal comes, or until nothing waits."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ExitStack() as stack:
        ledger = stack.enter_context(desk.ledger(create=True))
        if not ledger.shared:
            stack.enter_context(only_one(desk.places.state))
            stack.enter_context(only_one(ledger_file(desk).parent, f"{ledger_file(desk).name}.lock"))
        service = Service(desk=desk, ledger=ledger, stop=stop, until_idle=until_idle, as_json=as_json)
        if metrics:
            stack.callback(service.count(metrics).shutdown)
        await service.run()
        if service.gone:
            raise StoreError(service.gone)


@dataclass(kw_only=True)
class Service:
    """Alarm, outbox, log and metrics of one process, wired together."""

    desk: Desk
    ledger: Ledger
    stop: asyncio.Event
    until_idle: bool
    as_json: bool
    metrics: "Metrics | None" = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begins to watch the clock."""
        self.clock: Clock = self.desk.clock
        self.began = self.clock.now()
        self._looked = self.began - timedelta(days=1)
        self.gone = ""  #: why the ledger cannot be used any more
        self._file = None if self.ledger.shared else ledger_file(self.desk)
        self._inode = _inode(self._file)
        self._told_restored = False
        self._warned: dict[str, int] = {}
        self.following = Following(desk=self.desk)
        self._compared = self.began - _COMPARE
        self._gone: set[tuple[str, int, str]] = set()
        self._shifted: tuple[str, ...] = ()
        self._asking: set[asyncio.Future[None]] = set()
        self.host = socket.gethostname()
        self.name = f"{self.host}-{os.getpid()}-{self.began:%H%M%S%f}"
        self.redact = redact.of(self.desk.channels)
        self.progress = Progress(ask=self._ask_length)
        self.log = Log(
            as_json=self.as_json,
            root=self.desk.site.root,
            redact=self.redact,
            clock=self.clock,
            progress=self.progress,
        )
        self.guard = Guard(self.clock.host if isinstance(self.clock, SharedClock) else self.clock)
        self.in_flight = InFlight(self.desk.places.state / "inflight", self.name)
        self.outbox = Outbox(
            ledger=self.ledger,
            channels=self.desk.channels,
            clock=self.clock,
            worker=self.name,
            policy=self.desk.settings.policy,
            report=self._report,
            trouble=self.log.trouble,
            redact=self.redact,
            find=None if self.desk.only else self.desk.find_channel,
            in_flight=self.in_flight,
            seen=self.desk.witness.read(),
            witness=self.desk.witness,
        )

    def count(self, address: str) -> "WSGIServer":
        """Begin to serve metrics."""
        from distributor.cli.metrics import Metrics

        self.metrics = Metrics()
        return self.metrics.serve(address)

    async def run(self) -> None:
        """Until `stop` is set."""
        gc.freeze()  # what was imported stays; ten thousand deliveries at one instant are no garbage
        gc.set_threshold(50_000, 20, 50)
        self.log.libraries()
        self.desk.remember()
        left = left_behind(self.in_flight.folder)
        self.in_flight.open()
        await self.outbox.reap(alone=not self.ledger.shared, left=left)
        for problem in await asyncio.to_thread(publishing.open_public, self.desk):
            self.log.trouble(ActionError(problem))
        await self.tick()
        self._greet(self.ledger.instants(self.began, self.began + timedelta(days=36500), 1))
        systemd.tell("READY=1")
        alarm = Alarm(
            instants=self.outbox.instants,
            drain=self.outbox.drain,
            tick=self.tick,
            clock=self.clock,
            trouble=self.log.trouble,
        )
        self.outbox.on_room = alarm.wake
        try:
            await alarm.run(self.stop)
        finally:
            systemd.tell("STOPPING=1")
            await self.outbox.close(gone=bool(self.gone))
        self.log.say("stopped", "stopped")

    async def tick(self) -> None:
        """Say that we are alive, take back what the dead left, get ready for what comes."""
        if self._lost_ledger():
            return
        self._watch_clock()
        await self._follow()
        ahead = timedelta()
        if isinstance(self.clock, SharedClock):
            if said := await self.outbox.time():
                self.clock.set(said)
            ahead = self.clock.host_ahead
        now = self.clock.now()
        worker = Worker(name=self.name, pid=os.getpid(), host=self.host, began_at=self.began, beat_at=now, ahead=ahead)
        await self.outbox.beat(replace(worker, trouble=self.following.trouble))
        await self.outbox.reap()
        self._watch_restored(await self.outbox.watch())
        await self.outbox.look_around()
        if self.metrics:
            self.metrics.tick(now, await self.outbox.health(self.desk.settings.channels), ahead.total_seconds())
        self._watch_connections(now)
        self.log.well_again()
        systemd.tell("WATCHDOG=1")
        if self.until_idle and await self.outbox.idle():
            self.stop.set()

    async def _follow(self) -> None:
        """Use a config that changed; say once why one that changed is not used, and what waits for a channel that is gone."""
        before = self.following.trouble
        fresh = await asyncio.get_running_loop().run_in_executor(None, self.following.look)
        if (why := self.following.trouble) != before:
            words = f"the config is not followed, the last good one stays in force: {why}"
            self.log.say(
                "config_refused" if why else "config_well", words if why else "the config reads again", why=why
            )
        if isinstance(fresh, Desk):
            self.desk = fresh
            fresh.remember()
            find = None if fresh.only else fresh.find_channel
            self.redact.learn(redact.values(fresh.channels))
            await self.outbox.adopt(fresh.channels, fresh.settings.policy, find)
            self.log.say("config", f"the config changed and is in force: {', '.join(fresh.channels) or 'no channels'}")
        if fresh or self.clock.now() - self._compared >= _COMPARE:
            self._compared = self.clock.now()
            await self._compare()

    async def _compare(self) -> None:
        """Say what waits for a channel that is gone, once, and record which destinations are not the agreed ones."""
        gone = {(one.release_id, one.version, one.channel): one for one in await self.outbox.compare()}
        for key in gone.keys() - self._gone:
            self.log.say(
                "channel_missing", f"trouble: {destinations.missing(gone[key])}", channel=key[2], release=key[0]
            )
        self._gone = set(gone)
        shifted = (await self.outbox.health()).shifted
        for words in shifted if shifted != self._shifted else ():
            self.log.say("zone_rules", f"trouble: {words}")
        self._shifted = shifted

    def _lost_ledger(self) -> bool:
        """Whether the file was deleted, or another took its place: SQLite would go on with the one that nobody sees."""
        if not self.gone and _inode(self._file) != self._inode:
            self.gone = (
                f"the ledger {self._file} was deleted or replaced while the service ran: it stops, and sends nothing. Look "
                "which ledger is the right one, put it back, and start again"
            )
            self.outbox.stopping = True
            self.log.say("ledger_gone", f"trouble: {self.gone}")
            self.stop.set()
        return bool(self.gone)

    def _watch_restored(self, found: "Restored | None") -> None:
        if found and not self._told_restored:
            self.log.say("restored", f"trouble: {health.restored_words(found)}", held=found.held)
        self._told_restored = found is not None

    def _watch_clock(self) -> None:
        if moved := self.guard.stepped():
            words = f"the wall clock was stepped by {moved.total_seconds():+.1f} s; everything is planned anew"
            self.log.say("clock_stepped", words, seconds=moved.total_seconds())
            if self.metrics:
                self.metrics.stepped()

    def _watch_connections(self, now: datetime) -> None:
        """Say 14, 7 and 1 days before a connection ends."""
        if now - self._looked < timedelta(hours=1):
            return
        self._looked = now
        for name, channel in self.desk.channels.items():
            ends = channel.good_until
            near = [days for days in _WARNINGS if ends and ends - now <= timedelta(days=days)]
            if ends and near and self._warned.get(name, _WARNINGS[0] + 1) > near[-1]:
                self._warned[name] = near[-1]
                words = f"the connection of {name} ends on {draw.when(ends, 'UTC')}: run 'distributor connect {name}'"
                self.log.say("connection_ends", words, channel=name)

    def _ask_length(self, name: List) -> None:
        """The ledger knows how long a list is."""

        async def ask() -> None:
            with suppress(StoreError):  # the line goes without it
                self.progress.know(name, await self.outbox.length(*name, self.began))

        task = asyncio.ensure_future(ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _report(self, events: Sequence[Event]) -> None:
        self.log.events(events)
        if self.metrics:
            self.metrics.events(events)

    def _greet(self, following: list[datetime]) -> None:
        soonest = f"next at {draw.when(following[0], 'UTC')}" if following else "nothing is planned"
        self.log.say("running", f"running on {self.desk.site.root} · {soonest} · Ctrl-C stops")


def ledger_file(desk: Desk) -> Path:
    """Where the SQLite ledger of the site lies."""
    return Path(configuration.store_url(desk.site, desk.settings).removeprefix(SQLITE))


def _inode(path: Path | None) -> tuple[int, int] | None:
    """Which file it is; None where there is none."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None
