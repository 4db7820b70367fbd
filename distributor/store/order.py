"""What goes before what: the order within a recipient, and between the versions of a release."""

from sqlalchemy import ColumnElement, FromClause, and_, exists, or_, select

from distributor.lifecycle import KILL, Priority, PubStatus, State
from distributor.store import schema as s

OF_ITS_RELEASE = and_(s.release.c.id == s.delivery.c.release_id, s.release.c.version == s.delivery.c.version)
_OVER = or_(s.release.c.pub_status == PubStatus.canceled, s.release.c.killed_at.is_not(None))
CALLED_OFF = exists(select(s.release.c.id).where(OF_ITS_RELEASE, _OVER))
_EARLIER, _LATER = s.delivery.alias("earlier"), s.delivery.alias("later")


def _another(other: FromClause, same: str, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is another delivery with the same columns that is such."""
    alike = (other.c[name] == s.delivery.c[name] for name in same.split())
    return exists(select(other.c.id).where(*alike, *which))


def _under_way(other: FromClause) -> ColumnElement[bool]:
    """Whether another delivery goes before this one."""
    now = other.c.state.in_((State.sending, State.retrying))
    return or_(now, and_(other.c.state == State.planned, other.c.due <= s.delivery.c.due))


_PUBLIC, _BROUGHT = s.delivery.alias("public"), s.delivery.alias("brought")
_PUBLIC_UNDER_WAY = _another(_PUBLIC, "release_id version", _PUBLIC.c.priority == Priority.public, _under_way(_PUBLIC))
_LANDING = _another(
    _BROUGHT, "release_id version channel recipient", _BROUGHT.c.state == State.sending, _BROUGHT.c.kind != KILL
)
_THE_SAME = "release_id channel recipient"
#: An earlier version that is on its way to the same recipient goes first, and so does what an echo tells of, and what a kill
#: takes back.
IN_ORDER = and_(
    or_(
        s.delivery.c.version == 1,
        ~_another(_EARLIER, _THE_SAME, _EARLIER.c.version < s.delivery.c.version, _under_way(_EARLIER)),
    ),
    or_(s.delivery.c.priority != Priority.echo, ~_PUBLIC_UNDER_WAY),
    or_(s.delivery.c.kind != KILL, ~_LANDING),
)
#: A newer version is with the same recipient, on its way, or was tried: the old text must not come after it.
OVERTAKEN = _another(
    _LATER,
    _THE_SAME,
    _LATER.c.version > s.delivery.c.version,
    or_(_LATER.c.attempts > 0, _LATER.c.state.in_((State.sending, State.delivered))),
    s.delivery.c.kind != KILL,
)
