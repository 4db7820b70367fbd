"""What a person wants of a version's deliveries: what is not on the wire moves at once, what is moves when it comes back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, literal, or_, select, update

from distributor.errors import ActionError
from distributor.lifecycle import KILL, PubStatus, State
from distributor.plain import counted
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.order import OVERTAKEN
from distributor.store.rows import micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a person wants of a version's deliveries."""

    action: str  #: for the history
    from_states: Collection[State]
    to: State
    pub_status: PubStatus
    late_ok: bool = False  #: what is overdue goes out at once
    why: str = ""  #: written beside each delivery that is moved


def refuse_killed(connection: Connection, release_id: str, version: int) -> None:
    """Raise ActionError for a version that was withdrawn, or is older than one that was."""
    if q.killed(connection, release_id, version):
        raise ActionError(
            f"'{release_id}' version {version} was killed: nothing of it goes out any more; a new version may"
        )


def taken_back(connection: Connection, release_id: str, version: int) -> set[tuple[str, str]]:
    """Channel and recipient of every kill of a version."""
    c = s.delivery.c
    query = select(c.channel, c.recipient).where(q.of(release_id, version), c.kind == KILL)
    return {(channel, recipient) for channel, recipient in connection.execute(query)}


def move(
    connection: Connection,
    release_id: str,
    version: int,
    change: Change,
    *,
    now: datetime,
    who: str,
    channel: str | None = None,
) -> int:
    """What `change` does; with a `channel`, to its deliveries alone and not to the release."""
    c = s.delivery.c
    stopped: ColumnElement[bool] = c.state.in_(list(change.from_states))
    if change.to is State.planned:
        stopped = and_(stopped, ~OVERTAKEN)
    here = and_(q.of(release_id, version), c.channel == channel) if channel else q.of(release_id, version)
    affected = (here, or_(stopped, c.state == State.sending))
    # Locked first, in one order: then the states are the latest, and two writers never wait for each other.
    query = select(c.state).where(*affected).order_by(c.id).with_for_update()
    moved: int = sum(state != State.sending for state in connection.execute(query).scalars())
    on_wire = c.state == State.sending
    doubted = and_(c.doubt_since.is_not(None), literal(change.to is State.canceled))
    values = {
        "state": case((on_wire, c.state), (doubted, State.in_doubt), else_=change.to),
        "settled_at": case((on_wire, c.settled_at), else_=micros(now)),
        "wanted": case((on_wire, None if change.to is State.planned else change.to), else_=None),
    }
    if change.to is State.planned:
        values["reason"] = case((on_wire, c.reason), else_=None)
    if change.late_ok:
        values["late_ok"] = case((on_wire, c.late_ok), else_=1)
    if change.why:
        values["reason"] = case((on_wire, c.reason), else_=change.why)
    connection.execute(update(s.delivery).where(*affected).values(values))
    if channel is None:
        connection.execute(q.update_release(release_id, version).values(pub_status=change.pub_status))
    facts = {"release_id": release_id, "version": version, "detail": counted(moved, "delivery", "deliveries")}
    q.log(connection, now, who=who, action=change.action, **facts)
    return moved
