"""`run`: the process that delivers."""

import asyncio
import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click

from distributor.cli import draw
from distributor.cli.main import Setting
from distributor.desk import Desk
from distributor.errors import ActionError, DistributorError
from distributor.lifecycle import WAITING, State
from distributor.outbox import Event, Outbox
from distributor.schedule import Alarm
from distributor.store import Worker


@click.command("run")
@click.option("--until-idle", is_flag=True, help="End when nothing waits any more (for a cron job or a demo).")
@click.pass_obj
def run_command(setting: Setting, *, until_idle: bool) -> None:
    """Deliver every release at its embargo instant, print a line per delivery, and keep running."""
    desk = setting.desk()
    desk.site.need_root()
    with only_one(desk.places.state):
        asyncio.run(serve_alarm(desk, until_idle=until_idle))


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the site's run lock; raises ActionError when another process has it."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(state / "run.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ActionError(f"cannot write {state}: {error.strerror}; make the folder writable") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 20, 0).decode().strip() or "unknown"
        os.close(handle)
        raise ActionError(f"another 'distributor run' works on this site already (process {holder})") from None
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


async def serve_alarm(desk: Desk, *, until_idle: bool) -> None:
    """Run alarm and outbox until a signal comes, or until nothing waits."""
    began = desk.clock.now()
    name = f"{socket.gethostname()}-{os.getpid()}-{began:%H%M%S%f}"
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    trouble = _Trouble()
    with desk.ledger(create=True) as ledger:
        outbox = Outbox(
            ledger=ledger,
            channels=desk.channels,
            clock=desk.clock,
            worker=name,
            policy=desk.settings.policy,
            report=partial(_line, desk.site.root),
            trouble=trouble,
        )

        async def tick() -> None:
            await outbox.beat(Worker(name=name, pid=os.getpid(), began_at=began, beat_at=desk.clock.now()))
            if until_idle and not await _waiting(outbox):
                stop.set()

        await tick()
        await outbox.reap()
        _greet(desk, ledger.instants(began + timedelta(days=36500), 1))
        alarm = Alarm(instants=outbox.instants, drain=outbox.drain, tick=tick, clock=desk.clock, trouble=trouble)
        outbox.on_room = alarm.wake
        try:
            await alarm.run(stop)
        finally:
            await outbox.close()
    click.echo("stopped")


class _Trouble:
    """Tells a trouble once, not at every tick."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, error: Exception) -> None:
        text = str(error) if isinstance(error, DistributorError) else f"{type(error).__name__}: {error}"
        if text != self._told:
            click.echo(f"trouble: {text}; trying again every second", err=True)
        self._told = text


async def _waiting(outbox: Outbox) -> bool:
    """Whether anything is still to be sent or on the wire."""
    counts = await outbox.counts()
    return any(counts.get(state) for state in (*WAITING, State.sending))


def _greet(desk: Desk, following: list[datetime]) -> None:
    soonest = f"next at {draw.when(following[0], 'UTC')}" if following else "nothing is planned"
    click.echo(f"running on {desk.site.root} · {soonest} · Ctrl-C stops")


def _line(root: Path | None, event: Event) -> None:
    """One line per delivery: time, lateness, channel, recipient, state, where or why."""
    row = event.delivery
    stamp = f"{event.at:%H:%M:%S}.{event.at.microsecond // 1000:03} UTC"
    click.echo(
        f"{stamp}  {draw.lag(event.lateness):>8}  {row.channel:<10} {row.recipient:<34} {event.state:<10} {draw.place(event.detail, root)}"
    )
