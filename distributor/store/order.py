"""What goes before what: the order within a recipient, and between the versions of a release."""

from sqlalchemy import ColumnElement, FromClause, and_, exists, or_, select

from distributor.lifecycle import KILL, Priority, PubStatus, State
from distributor.store import schema as s

OF_ITS_RELEASE = and_(s.release.c.id == s.delivery.c.release_id, s.release.c.version == s.delivery.c.version)
CALLED_OFF = exists(select(s.release.c.id).where(OF_ITS_RELEASE, s.release.c.pub_status == PubStatus.canceled))
_EARLIER, _LATER = s.delivery.alias("earlier"), s.delivery.alias("later")


def _to_the_same(other: FromClause, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether another version's delivery to the same recipient is such."""
    same = (other.c[name] == s.delivery.c[name] for name in ("release_id", "channel", "recipient"))
    return exists(select(other.c.id).where(*same, *which))


def _under_way(other: FromClause) -> ColumnElement[bool]:
    """Whether another delivery goes before this one."""
    now = other.c.state.in_((State.sending, State.retrying))
    return or_(now, and_(other.c.state == State.planned, other.c.due <= s.delivery.c.due))


_PUBLIC = s.delivery.alias("public")
_OF_THE_SAME = and_(_PUBLIC.c.release_id == s.delivery.c.release_id, _PUBLIC.c.version == s.delivery.c.version)
_PUBLIC_UNDER_WAY = exists(
    select(_PUBLIC.c.id).where(_OF_THE_SAME, _PUBLIC.c.priority == Priority.public, _under_way(_PUBLIC))
)
_BROUGHT = s.delivery.alias("brought")
_LANDING = exists(
    select(_BROUGHT.c.id).where(
        *(_BROUGHT.c[name] == s.delivery.c[name] for name in ("release_id", "version", "channel", "recipient")),
        _BROUGHT.c.state == State.sending,
        _BROUGHT.c.kind != KILL,
    )
)
#: An earlier version that is on its way to the same recipient goes first, and so does what an echo tells of, and what a kill
#: takes back.
IN_ORDER = and_(
    or_(
        s.delivery.c.version == 1,
        ~_to_the_same(_EARLIER, _EARLIER.c.version < s.delivery.c.version, _under_way(_EARLIER)),
    ),
    or_(s.delivery.c.priority != Priority.echo, ~_PUBLIC_UNDER_WAY),
    or_(s.delivery.c.kind != KILL, ~_LANDING),
)
#: A newer version is with the same recipient, or on its way: the old text must not come after it.
OVERTAKEN = _to_the_same(
    _LATER, _LATER.c.version > s.delivery.c.version, _LATER.c.state.in_((State.sending, State.delivered))
)
