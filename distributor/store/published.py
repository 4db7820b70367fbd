"""When a release was first published, as the ledger knows it."""

from sqlalchemy import Connection, func, select

from distributor.lifecycle import KILL, WAITING, State
from distributor.store import schema as s
from distributor.store.rows import Published, instant

#: What went out, may be out, or goes out by itself before a later version.
_OUT = (*WAITING, State.sending, State.delivered, State.in_doubt)


def earlier(connection: Connection, release_id: str, version: int) -> list[Published]:
    """Return when versions before `version` went out, the earliest for each channel and language.

    Advance copies under embargo publish nothing, and a withdrawal takes no date away.
    """
    d, m, r = s.delivery.c, s.message.c, s.release.c
    query = (
        select(d.channel, m.lang, func.min(d.priority), func.min(d.planned_for), func.min(r.lift))
        .join(s.message, m.id == d.message_id)
        .join(s.release, (r.id == d.release_id) & (r.version == d.version))
        .where(d.release_id == release_id, d.version < version, d.kind != KILL)
        .where(d.tier != "prebrief", d.state.in_(_OUT))
        .group_by(d.channel, m.lang)
    )
    return [
        Published(channel=channel, lang=lang, priority=priority, at=instant(at), lift=instant(lift))
        for channel, lang, priority, at, lift in connection.execute(query)
    ]
