"""A ledger that is older than what was sent with it: it was put back from a backup.

Functions on an open transaction, and what a person does about it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, exists, func, insert, or_, select, update

from distributor.lifecycle import KILL, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import moment
from distributor.store.order import CALLED_OFF, OF_ITS_RELEASE, OVERTAKEN
from distributor.store.pace import Mark
from distributor.store.rows import instant, micros

#: Written beside every delivery that is held.
WORDS = (
    "the ledger was restored from a backup, and this was due since: it may be out already. Look there, then say "
    "'distributor restored'"
)
_C = s.delivery.c
_HELD = and_(_C.state == State.held, _C.reason == WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A restored ledger that nobody has looked at yet."""

    noticed_at: datetime
    held: int  #: deliveries that may be out


def look(connection: Connection, mark: Mark | None, now: datetime) -> int | None:
    """Compare the ledger with what a state folder knows; return when it was found to be restored (microseconds)."""
    if mark is None:
        return None
    query = select(s.site.c.restored_at, s.witness.c.batches)
    query = query.select_from(s.site).outerjoin(s.witness, s.witness.c.folder == mark.folder)
    row = connection.execute(query).first()
    if row is None or (row.batches or 0) >= mark.batches:
        return row.restored_at if row else None
    at = row.restored_at or micros(now)
    connection.execute(update(s.site).values(restored_at=at))
    raised = update(s.witness).where(s.witness.c.folder == mark.folder).values(batches=mark.batches)
    if not connection.execute(raised).rowcount:
        connection.execute(insert(s.witness).values(folder=mark.folder, place="", batches=mark.batches))
    return int(at)


def hold_due(connection: Connection, now: datetime, since: int) -> None:
    """Hold what is due and was sealed before, but for what a person let go after the ledger was found to be restored."""
    before = exists(select(s.release.c.id).where(OF_ITS_RELEASE, s.release.c.sealed_at <= since))
    let_go = func.coalesce(_C.settled_at, 0) >= since
    due = and_(s.WAITS, _C.due <= moment(now), ~let_go, before)
    connection.execute(update(s.delivery).where(due).values(state=State.held, reason=WORDS))


def count(connection: Connection, mark: Mark) -> int:
    """One batch more; return how many that makes."""
    mine = s.witness.c.folder == mark.folder
    connection.execute(update(s.witness).where(mine).values(batches=s.witness.c.batches + 1))
    return int(connection.execute(select(s.witness.c.batches).where(mine)).scalar() or 0)


def begin(connection: Connection, now: datetime) -> None:
    """The ledger comes out of a backup. What was taken back since must not hold again: sessions, API tokens, links, and
    approvals of what is not scheduled yet.
    """
    connection.execute(update(s.site).values(restored_at=micros(now)))
    connection.execute(delete(s.session))
    connection.execute(delete(s.api_token))
    planned = exists(
        select(s.release.c.id).where(
            s.release.c.id == s.approval.c.release_id, s.release.c.version == s.approval.c.version
        )
    )
    undone = update(s.approval).where(s.approval.c.revoked_at.is_(None), ~planned)
    connection.execute(undone.values(revoked_at=micros(now)))
    connection.execute(update(s.person).values(link=None, link_until=None))


def standing(connection: Connection) -> Restored | None:
    """Whether the ledger is restored and nobody has said yet what was out."""
    at = connection.execute(select(s.site.c.restored_at)).scalar()
    if at is None:
        return None
    held = int(connection.execute(select(func.count()).where(_HELD)).scalar_one())
    return Restored(noticed_at=instant(at), held=held)


def settle(connection: Connection, *, there: bool, now: datetime, who: str) -> int:
    """A person looked: what is held is out (`there`), or is sent now. From here on all goes as usual.

    What was withdrawn or overtaken is not sent. Returns how many deliveries were settled.
    """
    may = and_(_HELD, ~OVERTAKEN, or_(_C.kind == KILL, ~CALLED_OFF))
    which = _HELD if there else may
    query = select(_C.id, _C.release_id, _C.version).where(which).order_by(_C.id)
    rows = connection.execute(query.with_for_update()).all()
    values: dict[str, object] = {"state": State.planned, "late_ok": 1, "reason": f"{who} sends it: it was not out"}
    if there:
        sent_at = case((_C.doubt_since.is_(None), _C.due), else_=_C.doubt_since)
        values = {"state": State.delivered, "sent_at": sent_at, "reason": f"{who} looked: it is there"}
    connection.execute(update(s.delivery).where(which).values(settled_at=micros(now), **values))
    connection.execute(update(s.site).values(restored_at=None))
    for release_id, version in sorted({(row.release_id, row.version) for row in rows}):
        number = sum((row.release_id, row.version) == (release_id, version) for row in rows)
        detail = f"after a restore: {number} deliveries {'there' if there else 'again'}"
        q.log(connection, now, who=who, action="settle", release_id=release_id, version=version, detail=detail)
    return len(rows)
