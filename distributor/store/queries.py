"""The ledger's queries, and rows to and from values."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Row,
    Update,
    and_,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from distributor.lifecycle import KILL, STOPPED, WAITING, PubStatus, State
from distributor.store import schema as s
from distributor.store.dialect import moment, upsert
from distributor.store.rows import (
    Attempt,
    Delivery,
    Head,
    NewDelivery,
    Release,
    SealedMessage,
    instant,
    maybe_instant,
    micros,
)


def of(release_id: str, version: int) -> ColumnElement[bool]:
    """The deliveries of one version."""
    return and_(s.delivery.c.release_id == release_id, s.delivery.c.version == version)


def heads(connection: Connection) -> list[Head]:
    """The newest version of every release, without its text."""
    r, usable = s.release.c, {status.value: status for status in PubStatus}
    newest: dict[str, Head] = {}
    for one, version, lift, zone, headline, status in connection.execute(
        select(r.id, r.version, r.lift, r.zone, r.headline, r.pub_status)
    ):
        if (known := newest.get(one)) is None or known.version < version:
            newest[one] = Head(one, version, instant(lift), zone, headline, usable[status])
    return list(newest.values())


def killed(connection: Connection, release_id: str, version: int) -> bool:
    """Whether a version was withdrawn for good, or is older than one that was."""
    c = s.release.c
    query = select(c.id).where(c.id == release_id, c.version >= version, c.killed_at.is_not(None)).limit(1)
    return connection.execute(query).first() is not None


def goes_on(connection: Connection, release_id: str, version: int) -> bool:
    """Whether anything of a version waits or is stopped, but for what takes back."""
    c = s.delivery.c
    still = (of(release_id, version), c.kind != KILL, c.state.in_((*WAITING, *STOPPED)))
    return connection.execute(select(c.id).where(*still).limit(1)).first() is not None


def strays(connection: Connection, now: datetime, known: Collection[str]) -> list[str]:
    """Channels on which something is due and that nobody here knows."""
    c = s.delivery.c
    query = select(c.channel).where(s.WAITS, c.due <= moment(now), c.channel.not_in(list(known))).distinct()
    return list(connection.execute(query).scalars())


def partly_out(connection: Connection, release_id: str, version: int, catch_up_within: timedelta) -> bool:
    """Whether something of a version left for the public in time; a feed that caught up late does not count."""
    c = s.delivery.c
    query = select(c.id).where(
        of(release_id, version),
        c.state == State.delivered,
        c.tier != "prebrief",
        c.sent_at - c.planned_for <= catch_up_within // timedelta(microseconds=1),
    )
    return connection.execute(query.limit(1)).first() is not None


def delivery(row: Row[Any]) -> Delivery:
    """One row of the delivery table. Unpacked in the order of the columns: ten thousand come at one instant."""
    (
        number, release_id, version, kind, channel, recipient, recipient_name, message_id, key, digest, state, due,
        planned_for, _lift, tier, idempotency, _in_doubt, _priority, _late_ok, attempts, _worker, _doubt_since, _wanted,
        remote_id, remote_url, reason, sent_at, settled_at, signature, _crashes, _asked,
    ) = row[:_WIDTH]  # fmt: skip
    when = instant(due)
    return Delivery(
        id=number,
        release_id=release_id,
        version=version,
        kind=kind,
        channel=channel,
        recipient=recipient,
        recipient_name=recipient_name,
        state=_STATES[state],
        due=when,
        planned_for=when if planned_for == due else instant(planned_for),
        attempts=attempts,
        key=key,
        digest=digest,
        message_id=message_id,
        tier=tier,
        idempotency=idempotency,
        remote_id=remote_id,
        remote_url=remote_url,
        reason=reason,
        sent_at=maybe_instant(sent_at),
        settled_at=maybe_instant(settled_at),
        signature=signature or b"",
    )


_WIDTH = len(s.delivery.c)
_STATES = {state.value: state for state in State}


def deliveries(connection: Connection, where: ColumnElement[bool]) -> list[Delivery]:
    """The rows that `where` chooses, in the order of sending."""
    order = (s.delivery.c.planned_for, s.delivery.c.priority, s.delivery.c.id)
    return [delivery(row) for row in connection.execute(select(s.delivery).where(where).order_by(*order))]


def release(row: Row[Any]) -> Release:
    """One row of the release table."""
    return Release(
        id=row.id,
        version=row.version,
        digest=row.digest,
        snapshot=row.snapshot,
        seal=row.seal,
        lift=instant(row.lift),
        zone=row.zone,
        headline=row.headline,
        pub_status=PubStatus(row.pub_status),
        catch_up_within=timedelta(microseconds=row.catch_up_within),
        sealed_at=instant(row.sealed_at),
        killed_at=maybe_instant(row.killed_at),
        inputs=row.inputs or "",
    )


def attempt(row: Row[Any]) -> Attempt:
    """One row of the attempt table."""
    return Attempt(
        delivery_id=row.delivery_id,
        number=row.number,
        worker=row.worker,
        digest=row.digest,
        began_at=instant(row.began_at),
        ended_at=maybe_instant(row.ended_at),
        outcome=row.outcome,
        reason=row.reason,
    )


def release_values(new: Release) -> dict[str, Any]:
    """A release as columns."""
    return {
        "id": new.id,
        "version": new.version,
        "digest": new.digest,
        "snapshot": new.snapshot,
        "seal": new.seal,
        "lift": micros(new.lift),
        "zone": new.zone,
        "headline": new.headline,
        "pub_status": new.pub_status,
        "catch_up_within": new.catch_up_within // timedelta(microseconds=1),
        "sealed_at": micros(new.sealed_at),
        "inputs": new.inputs or None,
    }


def delivery_values(new_release: Release, new: NewDelivery, message_id: int) -> dict[str, Any]:
    """A planned delivery as columns."""
    return {
        "release_id": new_release.id,
        "version": new_release.version,
        "kind": new.kind,
        "channel": new.channel,
        "recipient": new.recipient,
        "recipient_name": new.recipient_name,
        "message_id": message_id,
        "key": new.key,
        "digest": new.digest,
        "signature": new.signature or None,
        "state": State.planned,
        "due": micros(new.due),
        "planned_for": micros(new.due),
        "lift": micros(new_release.lift),
        "tier": new.tier,
        "idempotency": new.idempotency,
        "in_doubt": new.in_doubt,
        "priority": new.priority,
        "late_ok": int(new.late_ok),
        "attempts": 0,
    }


def kill_rows(ids: Collection[int], now: datetime) -> Insert:
    """An INSERT of deliveries, due now, that take back what these brought."""
    c = s.delivery.c
    same = "release_id version channel recipient recipient_name message_id digest signature lift tier in_doubt priority remote_id"
    due, new = literal(micros(now), BigInteger), {"kind": KILL, "state": State.planned.value, "idempotency": "A"}
    values: dict[str, ColumnElement[Any]] = {
        **{name: c[name] for name in same.split()},
        **{name: literal(value) for name, value in new.items()},
        "key": c.key + "-kill",
        "due": due,
        "planned_for": due,
        "late_ok": literal(1),
        "attempts": literal(0),
    }
    return insert(s.delivery).from_select(list(values), select(*values.values()).where(c.id.in_(list(ids))))


def add_messages(
    connection: Connection, sealed: Release, messages: Iterable[SealedMessage]
) -> dict[tuple[str, str], int]:
    """Store messages with their bytes; the number of each by (channel, language)."""
    numbers: dict[tuple[str, str], int] = {}
    for new in messages:
        for sha256, data in new.artefacts.items():
            new_bytes = upsert(connection, s.artefact).values(sha256=sha256, data=data)
            connection.execute(new_bytes.on_conflict_do_nothing())
        values = {"release_id": sealed.id, "version": sealed.version, "channel": new.channel, "lang": new.lang}
        statement = insert(s.message).values(**values, body=new.body, content=new.content).returning(s.message.c.id)
        numbers[new.channel, new.lang] = connection.execute(statement).scalar_one()
    return numbers


def update_release(release_id: str, version: int) -> Update:
    """An UPDATE of one version's row."""
    return update(s.release).where(s.release.c.id == release_id, s.release.c.version == version)


def log(connection: Connection, at: datetime, **values: object) -> None:
    """Append to the history: who, action, release_id, version, detail."""
    connection.execute(insert(s.event).values(at=micros(at), **values))


def hashes(body: str) -> set[str]:
    """The artefacts that a message's JSON names."""
    return {media["sha256"] for media in json.loads(body).get("media", [])}


def conflict(error: IntegrityError, new: Release) -> str:
    """The sentence for a row that the database refused."""
    if "never_before_the_lift" in str(error.orig):
        return f"a delivery of '{new.id}' would leave before the embargo; nothing was planned"
    return f"'{new.id}' version {new.version} is already scheduled; nothing was changed"
