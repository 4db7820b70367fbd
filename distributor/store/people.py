"""The people of the desk: who may sign in, who is, and what they did. Each action is one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, null, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError

from distributor.errors import ActionError
from distributor.store import postgres
from distributor.store import schema as s
from distributor.store.base import Store
from distributor.store.rows import instant, maybe_instant, micros

#: What the desk notes beside the history of a release, and how far apart both may be, in microseconds: two clocks, a long seal.
_REPEATS = ("schedule", "approve", "move", "hold", "resume", "cancel", "kill", "retry", "settle", "close")
_EARLY, _LATER = 10_000_000, 120_000_000
_SEEN_EVERY = timedelta(minutes=5)  # a page view is no reason to write to the disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person as stored."""

    name: str
    role: str
    password: str | None  #: argon2id with its parameters
    lang: str
    zone: str
    totp: str | None  #: the secret of one-time codes, locked
    disabled: bool
    link_until: datetime | None
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One API token; the token itself is nowhere."""

    id: str  #: SHA-256
    person: str
    label: str
    role: str
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One line of the audit log."""

    at: datetime
    who: str
    action: str
    release_id: str
    detail: str
    address: str


class People(Store):
    """Accounts, sessions, tokens and the audit log. Safe to use from several threads."""

    # ── accounts ──────────────────────────────────────────────────────────────────────────────────────────────────

    def all(self) -> list[Account]:
        """Everybody, by name."""
        with self.reading() as connection:
            return [_account(row) for row in connection.execute(select(s.person).order_by(s.person.c.name))]

    def find(self, name: str) -> Account | None:
        """One person, or None."""
        with self.reading() as connection:
            row = connection.execute(select(s.person).where(s.person.c.name == name)).first()
        return _account(row) if row else None

    def nobody(self) -> bool:
        """Whether there is no person yet."""
        with self.reading() as connection:
            return connection.execute(select(s.person.c.name).limit(1)).first() is None

    def add(self, name: str, role: str, *, lang: str, zone: str, now: datetime, password: str | None = None) -> None:
        """Add a person; raises ActionError where there is one of that name."""
        values = {"name": name, "role": role, "lang": lang, "zone": zone, "password": password, "made_at": micros(now)}
        try:
            with self.writing() as connection:
                connection.execute(insert(s.person).values(**values))
        except IntegrityError:
            raise ActionError(f"there is somebody called '{name}' already") from None

    def add_first(self, name: str, role: str, *, lang: str, zone: str, now: datetime, password: str) -> bool:
        """Add the first person; False where somebody was faster."""
        values = {"name": name, "role": role, "lang": lang, "zone": zone, "password": password, "made_at": micros(now)}
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                postgres.alone(connection)
            if connection.execute(select(s.person.c.name).limit(1)).first():
                return False
            connection.execute(insert(s.person).values(**values))
            return True

    def change(self, name: str, *, sign_out: bool = False, keep: str = "", **values: Any) -> None:
        """Write some columns of a person; `sign_out` ends all sessions but `keep`. Raises ActionError for an unknown one, and
        where no admin who can sign in would be left. Who may not approve any more has approved nothing that still waits.
        """
        c = s.person.c
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                postgres.alone(connection)
            if not connection.execute(update(s.person).where(c.name == name).values(**values)).rowcount:
                raise ActionError(f"there is nobody called '{name}'")
            admins = select(c.name).where(c.role == "admin", c.disabled == 0).limit(1)
            if {"role", "disabled"} & values.keys() and not connection.execute(admins).first():
                raise ActionError("somebody has to stay an admin: make another one first")
            if values.get("disabled") or values.get("role") == "author":
                theirs = update(s.approval).where(s.approval.c.who == name, s.approval.c.revoked_at.is_(None))
                connection.execute(theirs.values(revoked_at=func.coalesce(s.approval.c.at, 0)))
            if sign_out:
                mine = (s.session.c.person == name, s.session.c.id != keep)
                connection.execute(delete(s.session).where(*mine))

    def take_link(self, link: str, password: str, now: datetime) -> str | None:
        """Set a new password by a one-time link (its SHA-256) and end all sessions; the name, or None for a link that is used,
        unknown or too old.
        """
        c = s.person.c
        with self.writing() as connection:
            good = (c.link == link, c.link_until > micros(now), c.disabled == 0)
            name: str | None = connection.execute(select(c.name).where(*good).with_for_update()).scalar()
            if name is None:
                return None
            values = {"password": password, "link": None, "link_until": None, "totp": None, "totp_step": 0}
            connection.execute(update(s.person).where(c.name == name).values(**values))
            connection.execute(delete(s.session).where(s.session.c.person == name))
            return name

    def of_link(self, link: str, now: datetime) -> str | None:
        """Whose one-time link that is, if it still holds."""
        c = s.person.c
        good = (c.link == link, c.link_until > micros(now), c.disabled == 0)
        with self.reading() as connection:
            name: str | None = connection.execute(select(c.name).where(*good)).scalar()
        return name

    def use_step(self, name: str, step: int) -> bool:
        """Mark a time step of one-time codes as used; False where it or a later one was used before."""
        c = s.person.c
        mine = update(s.person).where(c.name == name, c.totp_step < step).values(totp_step=step)
        with self.writing() as connection:
            return bool(connection.execute(mine).rowcount)

    # ── sessions and tokens ───────────────────────────────────────────────────────────────────────────────────────

    def begin(self, session: str, name: str, *, address: str, now: datetime, since: datetime) -> None:
        """Begin a session, by its SHA-256; forget those that began before `since`."""
        at = micros(now)
        with self.writing() as connection:
            connection.execute(delete(s.session).where(s.session.c.made_at < micros(since)))
            connection.execute(
                insert(s.session).values(id=session, person=name, made_at=at, seen_at=at, address=address)
            )

    def by_session(
        self, session: str, now: datetime, *, idle: timedelta, longest: timedelta, seen: bool = True
    ) -> Account | None:
        """Who has that session, if it holds: seen within `idle`, begun within `longest`, of somebody who is not disabled. It
        counts as `seen` now.
        """
        c = s.session.c
        query = select(s.person, c.seen_at, c.made_at.label("began")).join_from(s.session, s.person)
        with self.reading() as connection:
            row = connection.execute(query.where(c.id == session, s.person.c.disabled == 0)).first()
        if row is None or now - instant(row.seen_at) > idle or now - instant(row.began) > longest:
            return None
        if seen and now - instant(row.seen_at) > _SEEN_EVERY:
            with self.writing() as connection:
                connection.execute(update(s.session).where(c.id == session).values(seen_at=micros(now)))
        return _account(row)

    def end(self, session: str) -> None:
        """End one session."""
        with self.writing() as connection:
            connection.execute(delete(s.session).where(s.session.c.id == session))

    def add_token(self, token: str, name: str, *, label: str, role: str, now: datetime) -> None:
        """Keep an API token by its SHA-256."""
        values = {"id": token, "person": name, "label": label, "role": role, "made_at": micros(now)}
        with self.writing() as connection:
            connection.execute(insert(s.api_token).values(**values))

    def by_token(self, token: str, now: datetime) -> tuple[Account, str] | None:
        """Whose API token that is, and its role; None for an unknown one or a disabled person."""
        c = s.api_token.c
        query = select(s.person, c.role.label("scope"), c.used_at).join_from(s.api_token, s.person)
        with self.reading() as connection:
            row = connection.execute(query.where(c.id == token, s.person.c.disabled == 0)).first()
        if row is None:
            return None
        used = maybe_instant(row.used_at)
        if used is None or now - used > _SEEN_EVERY:
            with self.writing() as connection:
                connection.execute(update(s.api_token).where(c.id == token).values(used_at=micros(now)))
        return _account(row), row.scope

    def tokens(self, name: str) -> list[Token]:
        """A person's API tokens, the newest first."""
        c = s.api_token.c
        with self.reading() as connection:
            rows = connection.execute(select(s.api_token).where(c.person == name).order_by(c.made_at.desc())).all()
        return [
            Token(
                id=row.id,
                person=row.person,
                label=row.label,
                role=row.role,
                made_at=instant(row.made_at),
                used_at=maybe_instant(row.used_at),
            )
            for row in rows
        ]

    def drop_token(self, token: str, name: str) -> bool:
        """Make a person's API token worthless; False where they have no such token."""
        mine = (s.api_token.c.id == token, s.api_token.c.person == name)
        with self.writing() as connection:
            return bool(connection.execute(delete(s.api_token).where(*mine)).rowcount)

    # ── audit ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def note(self, who: str, action: str, detail: str, *, release_id: str, address: str, now: datetime) -> None:
        """Append to the audit log. Nothing ever changes or removes a line."""
        values = {"at": micros(now), "who": who, "action": action, "detail": detail[:2_000]}
        with self.writing() as connection:
            connection.execute(insert(s.audit).values(**values, release_id=release_id, address=address))

    def deeds(self, *, word: str = "", limit: int = 100, skip: int = 0) -> list[Deed]:
        """Who did what when, at the desk and in the history of the releases, the newest first; those with `word` in them. What both
        tell is one line: the history's, with the address that the desk saw.
        """
        mine, events = s.audit.c, s.event.c
        known = select(events.id).where(_same(mine, events)).exists()
        both = union_all(
            select(mine.at, mine.who, mine.action, mine.release_id, mine.detail, mine.address).where(~known),
            select(events.at, events.who, events.action, events.release_id, events.detail, null()),
        ).subquery()
        query = select(both).order_by(both.c.at.desc()).limit(limit).offset(skip)
        if word:
            parts = (both.c.who, both.c.action, both.c.release_id, both.c.detail)
            query = query.where(or_(*(part.icontains(word, autoescape=True) for part in parts)))
        page = query.subquery()
        seen = select(mine.address).where(_same(mine, page.c)).order_by(mine.at).limit(1).scalar_subquery()
        columns = (page.c.at, page.c.who, page.c.action, page.c.release_id, page.c.detail)
        shown = select(*columns, func.coalesce(page.c.address, seen, "").label("address")).order_by(page.c.at.desc())
        with self.reading() as connection:
            return [_deed(row._mapping) for row in connection.execute(shown)]  # noqa: SLF001  SQLAlchemy's public name


def _same(audit: Any, event: Any) -> ColumnElement[bool]:
    """Whether a line of the audit log tells what the history tells, too: it is written right after it."""
    repeats = or_(audit.action.in_(_REPEATS), audit.action.startswith("API "))
    same = (audit.who == event.who, audit.release_id == event.release_id)
    return and_(repeats, *same, audit.at.between(event.at - _EARLY, event.at + _LATER))


def _deed(row: Mapping[Any, Any]) -> Deed:
    names = ("who", "action", "release_id", "detail", "address")
    return Deed(at=instant(row["at"]), **{name: row[name] for name in names})


def _account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        role=row.role,
        password=row.password,
        lang=row.lang,
        zone=row.zone,
        totp=row.totp,
        disabled=bool(row.disabled),
        link_until=maybe_instant(row.link_until),
        made_at=instant(row.made_at),
    )
