"""Who may use the web desk: people and their sessions. Of what lets somebody in, only a hash is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.ledger import Ledger
from distributor.store.rows import instant, micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person."""

    name: str
    role: str
    password: str  #: argon2's own text, salt and cost included
    lang: str
    zone: str  #: IANA
    disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in."""

    account: Account
    csrf: str
    began_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One line of the history."""

    at: datetime
    who: str
    action: str
    release_id: str
    version: int
    detail: str


class People:
    """The people of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """They live in the same database."""
        self._engine = ledger._engine  # noqa: SLF001  the same room

    def all(self) -> list[Account]:
        """Everybody, by name."""
        with self._engine.connect() as connection:
            return [_account(row) for row in connection.execute(select(s.person).order_by(s.person.c.name))]

    def find(self, name: str) -> Account | None:
        """One person, in any case of letters."""
        query = select(s.person).where(func.lower(s.person.c.name) == name.lower())
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _account(row) if row else None

    def add(self, account: Account) -> bool:
        """A new person; False where the name is taken."""
        if self.find(account.name):
            return False
        values = {"name": account.name, "role": account.role, "password": account.password, "lang": account.lang}
        with self._engine.begin() as connection:
            connection.execute(insert(s.person).values(**values, zone=account.zone, disabled=0))
        return True

    def change(self, name: str, values: Mapping[str, object]) -> None:
        """New facts of one person. A new password, role or an end of access also ends the sessions."""
        with self._engine.begin() as connection:
            connection.execute(update(s.person).where(s.person.c.name == name).values(**values))
            if {"password", "role", "disabled"} & values.keys():
                connection.execute(delete(s.session).where(s.session.c.person == name))

    def begin(self, digest: str, name: str, csrf: str, now: datetime) -> None:
        """Somebody signed in; `digest` is the SHA-256 of what their browser keeps."""
        moment = micros(now)
        with self._engine.begin() as connection:
            values = {"digest": digest, "person": name, "csrf": csrf, "began_at": moment, "seen_at": moment}
            connection.execute(insert(s.session).values(**values))

    def session(self, digest: str) -> Session | None:
        """Who has this session."""
        query = select(s.session, s.person).join(s.person, s.person.c.name == s.session.c.person)
        with self._engine.connect() as connection:
            row = connection.execute(query.where(s.session.c.digest == digest)).first()
        if row is None or row.disabled:
            return None
        return Session(
            account=_account(row), csrf=row.csrf, began_at=instant(row.began_at), seen_at=instant(row.seen_at)
        )

    def seen(self, digest: str, now: datetime) -> None:
        """A session was used."""
        with self._engine.begin() as connection:
            connection.execute(update(s.session).where(s.session.c.digest == digest).values(seen_at=micros(now)))

    def end(self, digest: str) -> None:
        """Sign out."""
        with self._engine.begin() as connection:
            connection.execute(delete(s.session).where(s.session.c.digest == digest))

    def forget_sessions(self, before: datetime) -> None:
        """Sessions that were not used since."""
        with self._engine.begin() as connection:
            connection.execute(delete(s.session).where(s.session.c.seen_at < micros(before)))

    def note(self, at: datetime, *, who: str, action: str, detail: str, release_id: str = "") -> None:
        """A line in the history that is not a delivery's."""
        with self._engine.begin() as connection:
            q.log(connection, at, who=who, action=action, release_id=release_id, version=0, detail=detail[:500])

    def history(self, limit: int, before: int | None = None) -> list[tuple[int, Noted]]:
        """The newest lines, or those before line `before`."""
        query = select(s.event).order_by(s.event.c.id.desc()).limit(limit)
        query = query.where(s.event.c.id < before) if before else query
        with self._engine.connect() as connection:
            return [
                (
                    row.id,
                    Noted(
                        at=instant(row.at),
                        who=row.who,
                        action=row.action,
                        release_id=row.release_id,
                        version=row.version,
                        detail=row.detail,
                    ),
                )
                for row in connection.execute(query)
            ]


def _account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        role=row.role,
        password=row.password,
        lang=row.lang,
        zone=row.zone,
        disabled=bool(row.disabled),
    )
