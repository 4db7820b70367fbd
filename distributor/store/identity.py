"""Whose ledger it is: a site has one, and a ledger has one site."""

import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select, update

from distributor.errors import StoreError
from distributor.store import schema as s
from distributor.store.ledger import Ledger
from distributor.store.rows import micros
from distributor.witness import Seen

_BACK = "put the right one back ('distributor restore')"


def introduce(
    ledger: Ledger,
    seen: Seen | None,
    *,
    shown: str,
    place: str,
    newsroom: str,
    now: datetime,
    is_inside: bool,
    is_there: Callable[[str, str], bool],
) -> Seen:
    """Return what the state folder at `place` is to know, and write down in the ledger what it did not.

    `seen` is what the folder knew; `newsroom` is how people know the site; `is_there(place, site)` says whether another
    state folder of this machine still belongs to the site. `is_inside`: the ledger lies in the site's folder; where that was
    copied, and the original is still there, what is due is held. Raises StoreError for the ledger of another site.
    """
    with ledger.reading() as connection:
        site = connection.execute(select(s.site.c.id)).scalar()
        if seen and site == seen.site:
            known = select(s.witness.c.place).where(s.witness.c.folder == seen.folder)
            if connection.execute(known).scalar() == place:
                return seen
    refuse_foreign(ledger, seen, shown=shown)
    with ledger.writing() as connection:
        row = connection.execute(select(s.site)).first()
        if row is None:
            site = seen.site if seen else secrets.token_hex(16)
            connection.execute(insert(s.site).values(id=site, newsroom=newsroom, made_at=micros(now)))
        else:
            site = row.id
            if seen is None:
                _refuse_second(connection, ledger, row, shown, place=place, newsroom=newsroom, is_there=is_there)
        found = seen or Seen(site=site, folder=secrets.token_hex(16), batches=0)
        was = connection.execute(select(s.witness.c.place).where(s.witness.c.folder == found.folder)).scalar()
        if is_inside and was and was != place and is_there(was, site):
            connection.execute(update(s.site).values(restored_at=micros(now)))
        connection.execute(delete(s.witness).where(s.witness.c.place == place, s.witness.c.folder != found.folder))
        moved = update(s.witness).where(s.witness.c.folder == found.folder).values(place=place)
        if not connection.execute(moved).rowcount:
            connection.execute(insert(s.witness).values(folder=found.folder, place=place, batches=0))
    return found


def refuse_foreign(ledger: Ledger, seen: Seen | None, *, shown: str) -> None:
    """Raise StoreError where the ledger is not the one that the state folder knows."""
    if seen is None:
        return
    with ledger.reading() as connection:
        site = connection.execute(select(s.site.c.id)).scalar()
        used = connection.execute(select(exists(select(s.release.c.id)))).scalar()
    if site is None and not used:
        raise StoreError(
            f"the ledger {shown} is empty, and this site has had one: it was deleted or another file took its place. {_BACK}; "
            "to begin anew, move the file witness.json out of the state folder"
        )
    if site is not None and site != seen.site:
        raise StoreError(
            f"the ledger {shown} belongs to another site: two sites cannot share one, and nothing was sent. Name another "
            f"[places] store in the config, or {_BACK}"
        )


def _refuse_second(
    connection: Connection,
    ledger: Ledger,
    row: object,
    shown: str,
    *,
    place: str,
    newsroom: str,
    is_there: Callable[[str, str], bool],
) -> None:
    """A state folder without knowledge comes to a ledger that has a site: a new machine of that site, or another site."""
    site, name = getattr(row, "id", ""), getattr(row, "newsroom", "")
    others = connection.execute(select(s.witness.c.place).where(s.witness.c.place != place)).scalars()
    other = next((one for one in others if is_there(one, site)), None)
    if other is None and (name == newsroom or not ledger.shared):
        return  # another machine, or the folder was moved or lost
    whose = f"the site with the state folder {other}" if other else f"the newsroom {name}"
    raise StoreError(
        f"the ledger {shown} belongs to {whose}: two sites cannot share one, and nothing was written. Name another "
        "[places] store in the config. If it is the same site, copy the file witness.json from its state folder"
    )
