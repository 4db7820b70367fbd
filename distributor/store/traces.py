"""What deliveries left at their destinations, for a kill that takes all of it back."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, exists, select

from distributor.lifecycle import CORRECTION, KILL, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import upsert
from distributor.store.rows import Delivery, Settlement, Trace, maybe_instant

#: Whether a delivery may be seen by anybody, or left something behind: what a kill has to take back.
PERHAPS_OUT: ColumnElement[bool] = (
    s.delivery.c.state.in_((State.delivered, State.in_doubt, State.sending))
    | s.delivery.c.doubt_since.is_not(None)
    | exists(select(s.made.c.name).where(s.made.c.delivery_id == s.delivery.c.id))
)


def keep(connection: Connection, settlements: Iterable[Settlement]) -> None:
    """Write down what attempts made, also those that failed. The same again changes nothing."""
    for one in settlements:
        for name in dict.fromkeys(one.made):
            new = upsert(connection, s.made).values(delivery_id=one.delivery_id, name=name)
            connection.execute(new.on_conflict_do_nothing())


def behind(connection: Connection, kill: Delivery) -> Trace | None:
    """Return what the delivery that `kill` takes back left behind; None without one."""
    c = s.delivery.c
    same = (c.channel == kill.channel, c.recipient == kill.recipient, c.kind != KILL)
    query = select(s.delivery).where(q.of(kill.release_id, kill.version), *same)
    row = connection.execute(query).first()
    if row is None:
        return None
    names = select(s.made.c.name).where(s.made.c.delivery_id == row.id).order_by(s.made.c.name)
    made = tuple(connection.execute(names).scalars())
    remote = row.remote_id or (_corrected(connection, kill) if row.kind == CORRECTION else "")
    doubtful = not remote and (row.state in (State.delivered, State.in_doubt) or row.doubt_since is not None)
    began = select(s.attempt.c.began_at).where(s.attempt.c.delivery_id == row.id).order_by(s.attempt.c.number)
    since = row.doubt_since or connection.execute(began.limit(1)).scalar()
    return Trace(
        key=row.key,
        remote_id=remote,
        remote_url=row.remote_url,
        made=made,
        is_doubtful=doubtful,
        since=maybe_instant(since),
    )


def _corrected(connection: Connection, kill: Delivery) -> str:
    """Return the id of the post that a correction meant to edit; empty without one."""
    found = newest_before(connection, kill)
    return found[0] if found else ""


def newest_before(connection: Connection, later: Delivery) -> tuple[str, str | None] | None:
    """Return remote id and address of what the newest earlier version brought to the same recipient."""
    c = s.delivery.c
    same = (c.release_id == later.release_id, c.channel == later.channel, c.recipient == later.recipient)
    out = (c.version < later.version, c.kind != KILL, c.state == State.delivered, c.remote_id.is_not(None))
    query = select(c.remote_id, c.remote_url).where(*same, *out).order_by(c.version.desc()).limit(1)
    row = connection.execute(query).first()
    return (row.remote_id, row.remote_url) if row and row.remote_id else None
