"""How far each release is, counted by the database: for pages that show many at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, case, func, select

from distributor.lifecycle import KILL, NEEDS_PERSON, RETRIABLE, WAITING, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.ledger import Ledger
from distributor.store.rows import Delivery, Release, instant, maybe_instant, micros

#: What a person has to look at comes first.
_URGENT = (*NEEDS_PERSON, State.retrying, State.held, State.sending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One channel of one version."""

    channel: str
    states: Mapping[State, int]
    due: datetime
    first_sent: datetime | None
    last_sent: datetime | None
    late: float | None  #: seconds from the plan to the first write

    @property
    def total(self) -> int:
        """All deliveries."""
        return sum(self.states.values())

    @property
    def ended(self) -> int:
        """Deliveries that are neither to come nor on the wire."""
        return sum(count for state, count in self.states.items() if state not in (*WAITING, State.held, State.sending))

    @property
    def wrong(self) -> int:
        """Deliveries that did not arrive and may be tried again."""
        return sum(self.states.get(state, 0) for state in RETRIABLE)


def times(ledger: Ledger, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[tuple[str, datetime]]]:
    """When each channel of these versions begins, by release and version, the earliest first."""
    c, found = s.delivery.c, dict[tuple[str, int], list[tuple[str, datetime]]]()
    first = func.min(c.planned_for)
    query = select(c.release_id, c.version, c.channel, first)
    query = query.where(c.release_id.in_({key[0] for key in keys}), c.kind != KILL)
    with ledger.reading() as connection:
        for release_id, version, channel, at in connection.execute(
            query.group_by(c.release_id, c.version, c.channel).order_by(first, c.channel)
        ):
            found.setdefault((release_id, version), []).append((channel, instant(at)))
    return found


def channels(ledger: Ledger, release: Release) -> list[Progress]:
    """The channels of one version, as many as it has; those first in which somebody has to look at something."""
    c = s.delivery.c
    sums = (
        func.count(),
        func.min(c.planned_for),
        func.min(c.sent_at),
        func.max(c.sent_at),
        func.min(c.sent_at - c.planned_for),
    )
    query = select(c.channel, c.state, *sums).where(q.of(release.id, release.version), c.kind != KILL)
    grouped: dict[str, list[tuple[str, int, int, int | None, int | None, int | None]]] = {}
    with ledger.reading() as connection:
        for channel, *rest in connection.execute(query.group_by(c.channel, c.state)):
            grouped.setdefault(channel, []).append(tuple(rest))
    found = [
        Progress(
            channel=channel,
            states={State(row[0]): row[1] for row in rows},
            due=instant(min(row[2] for row in rows)),
            first_sent=maybe_instant(min((row[3] for row in rows if row[3]), default=None)),
            last_sent=maybe_instant(max((row[4] for row in rows if row[4]), default=None)),
            late=min((row[5] / 1e6 for row in rows if row[5] is not None), default=None),
        )
        for channel, rows in sorted(grouped.items())
    ]
    return sorted(found, key=lambda one: not (one.wrong or one.states.get(State.in_doubt)))


def rows(ledger: Ledger, release: Release, *, most: int, channel: str = "", state: str = "") -> list[Delivery]:
    """At most `most` deliveries of a version, those first that a person has to look at."""
    c = s.delivery.c
    where = [q.of(release.id, release.version)]
    where += [c.channel == channel] if channel else []
    where += [c.state == state] if state else []
    order = case({one.value: at for at, one in enumerate(_URGENT)}, value=c.state, else_=len(_URGENT))
    query = select(s.delivery).where(and_(*where)).order_by(order, c.planned_for, c.id).limit(most)
    with ledger.reading() as connection:
        return [q.delivery(row) for row in connection.execute(query)]


def wrong(ledger: Ledger, release: Release, most: int) -> list[Delivery]:
    """At most `most` deliveries of a version that did not arrive, or may not have."""
    c = s.delivery.c
    where = (q.of(release.id, release.version), c.state.in_(NEEDS_PERSON), c.kind != KILL)
    query = select(s.delivery).where(*where).order_by(c.channel, c.state, c.recipient).limit(most)
    with ledger.reading() as connection:
        return [q.delivery(row) for row in connection.execute(query)]


def links(ledger: Ledger, release: Release, most: int) -> list[tuple[str, str]]:
    """Where a version can be seen: channel and address, of at most `most` deliveries."""
    c, back = s.delivery.c, s.delivery.alias().c
    same = (back.release_id == c.release_id, back.version == c.version, back.channel == c.channel)
    gone = select(back.id).where(*same, back.recipient == c.recipient, back.kind == KILL, back.state == State.delivered)
    where = (q.of(release.id, release.version), c.kind != KILL, c.remote_url.is_not(None), ~gone.exists())
    query = select(c.channel, c.remote_url).distinct().where(*where).order_by(c.channel, c.remote_url).limit(most)
    with ledger.reading() as connection:
        return [(row.channel, row.remote_url) for row in connection.execute(query)]


class Withdrawn(NamedTuple):
    """What became of a kill."""

    states: Mapping[State, int]  #: of the deliveries that take back
    stays: Mapping[
        str, int
    ]  #: deliveries that nothing takes back, by channel: somebody has to tell those who have them

    @property
    def left(self) -> int:
        """How many deliveries nothing takes back."""
        return sum(self.stays.values())


def withdrawn(ledger: Ledger, release: Release) -> Withdrawn:
    """How far a version is taken back."""
    c, back = s.delivery.c, s.delivery.alias().c
    here = q.of(release.id, release.version)
    same = (back.release_id == c.release_id, back.version == c.version, back.channel == c.channel)
    taken = select(back.id).where(*same, back.recipient == c.recipient, back.kind == KILL).exists()
    out = (c.kind != KILL, c.state.in_((State.delivered, State.in_doubt)), ~taken)
    with ledger.reading() as connection:
        kills = connection.execute(select(c.state, func.count()).where(here, c.kind == KILL).group_by(c.state)).all()
        stays = connection.execute(
            select(c.channel, func.count()).where(here, *out).group_by(c.channel).order_by(c.channel)
        ).all()
    return Withdrawn({State(state): number for state, number in kills}, dict(stays))


def sent_since(ledger: Ledger, release: Release, since: datetime) -> int:
    """How many deliveries of a version were settled as delivered since."""
    c = s.delivery.c
    query = select(func.count()).where(
        q.of(release.id, release.version), c.kind != KILL, c.state == State.delivered, c.settled_at >= micros(since)
    )
    with ledger.reading() as connection:
        return int(connection.execute(query).scalar_one())
