"""The ledger's queries, and rows to and from values."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    insert,
    select,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from distributor.lifecycle import WAITING, PubStatus, State
from distributor.store import schema as s
from distributor.store.rows import (
    Attempt,
    Delivery,
    Due,
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


def waiting(now: datetime) -> ColumnElement[bool]:
    """Due, and its release is usable. Needs the join of `due_rows`."""
    return and_(
        s.delivery.c.state.in_(WAITING), s.delivery.c.due <= micros(now), s.release.c.pub_status == PubStatus.usable
    )


_OF_ITS_RELEASE = and_(s.release.c.id == s.delivery.c.release_id, s.release.c.version == s.delivery.c.version)


def waiting_channels(now: datetime) -> Select[Any]:
    """Channels on which something is due."""
    return select(s.delivery.c.channel).join(s.release, _OF_ITS_RELEASE).where(waiting(now)).distinct()


def due_rows(now: datetime, channel: str, limit: int) -> Select[Any]:
    """What is due on a channel and may go, the most urgent first, with what decides whether it is too late.

    A release is partly out when a delivery for the public left in time; a feed that caught up late does not count.
    """
    other = s.delivery.alias("other")
    partly_out = exists(
        select(other.c.id).where(
            other.c.release_id == s.delivery.c.release_id,
            other.c.version == s.delivery.c.version,
            other.c.state == State.delivered,
            other.c.tier != "prebrief",
            other.c.sent_at - other.c.planned_for <= s.release.c.catch_up_within,
        )
    )
    return (
        select(s.delivery, s.release.c.catch_up_within, partly_out.label("partly_out"))
        .join(s.release, _OF_ITS_RELEASE)
        .where(waiting(now), s.delivery.c.channel == channel)
        .order_by(s.delivery.c.due, s.delivery.c.priority, s.delivery.c.id)
        .limit(limit)
    )


def due(row: Row[Any]) -> Due:
    """One row of `due_rows`."""
    return Due(
        delivery=delivery(row),
        attempt_id=0,
        late_ok=bool(row.late_ok),
        partly_out=bool(row.partly_out),
        catch_up_within=timedelta(microseconds=row.catch_up_within),
        in_doubt=row.in_doubt,
        priority=row.priority,
        doubt_since=maybe_instant(row.doubt_since),
    )


def delivery(row: Row[Any]) -> Delivery:
    """One row of the delivery table."""
    return Delivery(
        id=row.id,
        release_id=row.release_id,
        version=row.version,
        kind=row.kind,
        channel=row.channel,
        recipient=row.recipient,
        recipient_name=row.recipient_name,
        state=State(row.state),
        due=instant(row.due),
        planned_for=instant(row.planned_for),
        attempts=row.attempts,
        key=row.key,
        digest=row.digest,
        message_id=row.message_id,
        tier=row.tier,
        idempotency=row.idempotency,
        remote_id=row.remote_id,
        remote_url=row.remote_url,
        reason=row.reason,
        sent_at=maybe_instant(row.sent_at),
        settled_at=maybe_instant(row.settled_at),
    )


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


def add_messages(
    connection: Connection, sealed: Release, messages: Iterable[SealedMessage]
) -> dict[tuple[str, str], int]:
    """Store messages with their bytes; the number of each by (channel, language)."""
    numbers: dict[tuple[str, str], int] = {}
    for new in messages:
        for sha256, data in new.artefacts.items():
            connection.execute(upsert(s.artefact).values(sha256=sha256, data=data).on_conflict_do_nothing())
        values = {"release_id": sealed.id, "version": sealed.version, "channel": new.channel, "lang": new.lang}
        statement = insert(s.message).values(**values, body=new.body, content=new.content).returning(s.message.c.id)
        numbers[new.channel, new.lang] = connection.execute(statement).scalar_one()
    return numbers


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
