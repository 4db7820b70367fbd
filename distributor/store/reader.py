"""Reading the ledger."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, and_, case, exists, func, literal, or_, select, text, tuple_

from distributor.lifecycle import KILL, WAITING, State
from distributor.store import attention, published, traces
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.attention import Needs
from distributor.store.base import Store
from distributor.store.rows import (
    Attempt,
    Delivery,
    Head,
    Published,
    Release,
    Standing,
    Trace,
    Worker,
    instant,
    maybe_instant,
    micros,
)


class Reader(Store):
    """Questions that change nothing and block nobody."""

    _watch: Connection | None = None

    @property
    def shared(self) -> bool:
        """Whether several machines may work on it at once."""
        return self._engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Give back the connections."""
        if self._watch is not None:
            self._watch.close()
        super().close()

    def time(self, monotonic: Callable[[], float]) -> tuple[datetime, float] | None:
        """The server's clock and a `monotonic` second at which it certainly was that late; None where the host's own
        clock is the ledger's.
        """
        if not self.shared:
            return None
        query = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        with self.reading() as connection:
            return instant(connection.execute(query).scalar_one()), monotonic()

    def release(self, release_id: str, version: int | None = None) -> Release | None:
        """One version, or the newest."""
        query = select(s.release).where(s.release.c.id == release_id).order_by(s.release.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(s.release.c.version == version)
        with self.reading() as connection:
            row = connection.execute(query).first()
        return q.release(row) if row else None

    def releases(self, release_id: str | None = None) -> list[Release]:
        """Every sealed version, or every one of a release, the latest lift first."""
        query = select(s.release).order_by(s.release.c.lift.desc(), s.release.c.id, s.release.c.version.desc())
        if release_id is not None:
            query = query.where(s.release.c.id == release_id)
        with self.reading() as connection:
            return [q.release(row) for row in connection.execute(query)]

    def deliveries(self, release_id: str, version: int) -> list[Delivery]:
        """The rows of one version, in the order of sending."""
        with self.reading() as connection:
            return q.deliveries(connection, q.of(release_id, version))

    def published(self, release_id: str, version: int) -> list[Published]:
        """Return when versions before `version` went out, the earliest for each channel and language."""
        with self.reading() as connection:
            return published.earlier(connection, release_id, version)

    def waiting_on(self, channel: str, until: datetime) -> list[Delivery]:
        """Return what waits for its instant or is in flight on a channel, due up to `until`, in the order of sending."""
        c = s.delivery.c
        going = and_(c.state.in_((*WAITING, State.sending)), c.kind != KILL)
        with self.reading() as connection:
            return q.deliveries(connection, and_(c.channel == channel, going, c.due <= micros(until)))

    def each_delivery(self, release_id: str, version: int, at_once: int = 2_000) -> Iterator[Delivery]:
        """The same rows by their time, some at a time: a list of a million is never in memory, and who reads slowly holds up
        nobody.
        """
        order = (s.delivery.c.planned_for, s.delivery.c.id)
        query = select(s.delivery).where(q.of(release_id, version)).order_by(*order).limit(at_once)
        after: tuple[int, int] | None = None
        while True:
            some = query.where(tuple_(*order) > tuple_(*map(literal, after))) if after else query
            with self.reading() as connection:
                rows = [q.delivery(row) for row in connection.execute(some)]
            yield from rows
            if len(rows) < at_once:
                return
            after = (micros(rows[-1].planned_for), rows[-1].id)

    def message_ids(self, release_id: str, version: int) -> list[int]:
        """The numbers of a version's sealed messages."""
        c = s.message.c
        with self.reading() as connection:
            query = select(c.id).where(c.release_id == release_id, c.version == version)
            return list(connection.execute(query).scalars())

    def attempts(self, release_id: str, version: int) -> list[Attempt]:
        """Every try of one version, oldest first."""
        query = select(s.attempt).join(s.delivery, s.delivery.c.id == s.attempt.c.delivery_id)
        query = query.where(q.of(release_id, version)).order_by(s.attempt.c.id)
        with self.reading() as connection:
            return [q.attempt(row) for row in connection.execute(query)]

    def messages(self, ids: Collection[int]) -> dict[int, tuple[str, Mapping[str, bytes]]]:
        """Sealed messages by their number, as JSON and the artefacts that each refers to."""
        if not ids:
            return {}
        c = s.message.c
        with self.reading() as connection:
            found = connection.execute(select(c.id, c.body, c.content).where(c.id.in_(ids))).all()
            wanted = {row.id: {row.content, *q.hashes(row.body)} for row in found}
            every = set().union(*wanted.values())
            rows = connection.execute(select(s.artefact).where(s.artefact.c.sha256.in_(every)))
            data = {row.sha256: row.data for row in rows}
        return {row.id: (row.body, {name: data[name] for name in wanted[row.id] if name in data}) for row in found}

    def length(self, release_id: str, version: int, channel: str, since: datetime) -> int:
        """How many deliveries a version has on a channel that had not ended at `since`."""
        c = s.delivery.c
        left = or_(c.settled_at.is_(None), c.settled_at >= micros(since))
        query = select(func.count()).where(q.of(release_id, version), c.channel == channel, c.kind != KILL, left)
        with self.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def instants(self, now: datetime, until: datetime, limit: int = 64) -> list[datetime]:
        """The next distinct instants up to `until` at which something waits to be sent; first of all the earliest that has
        come already, if there is one.
        """
        first = select(func.min(s.delivery.c.due)).where(s.WAITS)
        found: list[datetime] = []
        with self.reading() as connection:
            due = connection.execute(first).scalar()
            while due is not None and due <= micros(until) and len(found) < limit:
                found.append(instant(due))
                after = max(due, micros(now))  # whatever has come already is one wake-up
                due = connection.execute(first.where(s.delivery.c.due > after)).scalar()
        return found

    def coming(self, now: datetime, until: datetime, limit: int = 500) -> list[tuple[str, int]]:
        """Channels and messages that something waits for between now and `until`, to get them ready."""
        c = s.delivery.c
        query = select(c.channel, c.message_id).where(s.WAITS, c.due > micros(now), c.due <= micros(until))
        with self.reading() as connection:
            return [(row.channel, row.message_id) for row in connection.execute(query.distinct().limit(limit))]

    def mark(self) -> str:
        """Something that changes whenever anybody has written, here or in another process; only good for comparing marks of
        this very Reader.
        """
        if self.shared:
            with self.reading() as connection:
                return str(connection.execute(text("SELECT pg_current_snapshot()")).scalar_one())
        if self._watch is None:  # SQLite counts per connection, so it is always the same one
            self._watch = self.reading()
        found = self._watch.execute(text("PRAGMA data_version")).scalar_one()
        self._watch.rollback()
        return str(found)

    def standings(self) -> list[Standing]:
        """How the newest version of every release stands: its deliveries counted, not read."""
        d = s.delivery.c
        r = s.release.c
        killing = func.sum(case((d.kind == KILL, 1), else_=0))
        count = select(d.release_id, d.version, d.state, func.count(), killing)
        count = count.group_by(d.release_id, d.version, d.state)
        states = {state.value: state for state in State}
        counts: dict[tuple[str, int], dict[State, int]] = {}
        out: set[str] = set()
        with self.reading() as connection:
            for release_id, version, state, number, kills in connection.execute(count):
                if number > kills:
                    counts.setdefault((release_id, version), {})[states[state]] = number - kills
                    if state == State.delivered:
                        out.add(release_id)
            heads = q.heads(connection)
            gone = connection.execute(select(r.id, r.version).where(r.killed_at.is_not(None)))
            killed = {(row.id, row.version) for row in gone}
        return [Standing(*head, counts.get(head[:2], {}), head[:2] in killed, head.id in out) for head in heads]

    def heads(self) -> list[Head]:
        """The newest version of every release."""
        with self.reading() as connection:
            return q.heads(connection)

    def last_event(self) -> int:
        """The number of the newest line of the history: whatever a person does to a release writes one."""
        with self.reading() as connection:
            return int(connection.execute(select(func.max(s.event.c.id))).scalar() or 0)

    def channels(self, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[str]]:
        """On which channels these versions go out, by release and version."""
        c, found = s.message.c, dict[tuple[str, int], list[str]]()
        query = select(c.release_id, c.version, c.channel).where(c.release_id.in_({key[0] for key in keys}))
        with self.reading() as connection:
            for release_id, version, channel in connection.execute(query.order_by(c.id)):
                names = found.setdefault((release_id, version), [])
                if channel not in names:
                    names.append(channel)
        return found

    def counts(self) -> dict[State, int]:
        """How many deliveries are in each state."""
        query = select(s.delivery.c.state, func.count()).group_by(s.delivery.c.state)
        with self.reading() as connection:
            return {State(state): number for state, number in connection.execute(query)}

    def needs(self, now: datetime) -> Needs:
        """Count the deliveries that need a person, by release and reason."""
        with self.reading() as connection:
            found = connection.execute(text(attention.QUERY), attention.arguments(now))
            return attention.counted((row[0], row[1], row[2], row[3]) for row in found)

    def idle(self) -> bool:
        """Whether nothing waits and nothing is on the wire."""
        open_states = s.delivery.c.state.in_((*WAITING, State.sending))
        with self.reading() as connection:
            return not connection.execute(select(exists(select(s.delivery.c.id).where(open_states)))).scalar()

    def oldest_waiting(self) -> datetime | None:
        """The due instant of the delivery that has waited longest, or None."""
        with self.reading() as connection:
            return maybe_instant(connection.execute(select(func.min(s.delivery.c.due)).where(s.WAITS)).scalar())

    def is_out(self, release_id: str, version: int) -> bool:
        """Whether anything of a version was delivered."""
        delivered = q.of(release_id, version), s.delivery.c.state == State.delivered
        with self.reading() as connection:
            return connection.execute(select(s.delivery.c.id).where(*delivered).limit(1)).first() is not None

    def brought(self, later: Delivery) -> tuple[str, str | None] | None:
        """What the newest earlier version brought to the same recipient: its remote id and address; None without one."""
        with self.reading() as connection:
            return traces.newest_before(connection, later)

    def behind(self, kill: Delivery) -> Trace | None:
        """What the delivery that `kill` takes back left at its destination; None without one."""
        with self.reading() as connection:
            return traces.behind(connection, kill)

    def by_key(self, key: str) -> Delivery | None:
        """The delivery with that key, or None."""
        with self.reading() as connection:
            return next(iter(q.deliveries(connection, s.delivery.c.key == key)), None)

    def by_remote_id(self, remote_id: str) -> Delivery | None:
        """The newest delivery that the other side took under that id, but none that took one back; None without one."""
        where = and_(s.delivery.c.remote_id == remote_id, s.delivery.c.kind != KILL)
        with self.reading() as connection:
            return next(reversed(q.deliveries(connection, where)), None)

    def bounce_known(self, delivery_id: int, mark: str) -> bool:
        """Whether the history has this mail that came back for a delivery."""
        with self.reading() as connection:
            return connection.execute(bounces(delivery_id, mark)).first() is not None

    def workers(self) -> list[Worker]:
        """Every process that has not ended, the liveliest first, and STOPPED_WORKER: when the last one ended."""
        with self.reading() as connection:
            return [
                Worker(
                    name=row.name,
                    pid=row.pid,
                    began_at=instant(row.began_at),
                    beat_at=instant(row.beat_at),
                    host=row.host or "",
                    ahead=timedelta(microseconds=row.ahead or 0),
                    trouble=row.trouble or "",
                )
                for row in connection.execute(select(s.worker).order_by(s.worker.c.beat_at.desc()))
            ]


def bounces(delivery_id: int, mark: str) -> Select[tuple[int]]:
    """The entry of the history for one mail that came back for a delivery."""
    d, e = s.delivery.c, s.event.c
    of_it = and_(d.id == delivery_id, e.release_id == d.release_id, e.version == d.version)
    return (
        select(e.id)
        .select_from(s.event)
        .join(s.delivery, of_it)
        .where(e.detail.endswith(f" [{mark}]", autoescape=True))
    )
