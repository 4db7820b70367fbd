"""The ledger's actions. Each is one transaction; every change of state is a compare-and-set."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from distributor.errors import ActionError
from distributor.lifecycle import Late, PubStatus, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store import settling
from distributor.store.reader import Reader
from distributor.store.rows import (
    Delivery,
    Due,
    NewDelivery,
    Release,
    SealedMessage,
    Settlement,
    Worker,
    micros,
)


class Ledger(Reader):
    """Facts of one site. Safe to use from one thread at a time; several processes may have it open."""

    # ── planning ──────────────────────────────────────────────────────────────────────────────────────────────────

    def plan(
        self,
        release: Release,
        messages: Iterable[SealedMessage],
        deliveries: Iterable[NewDelivery],
        *,
        who: str,
    ) -> None:
        """Seal a version and plan its deliveries, all or nothing.

        A version none of whose deliveries was ever attempted is replaced when all of them are canceled. Raises
        ActionError when the version is already there otherwise, or a delivery would precede the lift.
        """
        with self._engine.begin() as connection:
            self._replace_canceled(connection, release)
            try:
                connection.execute(insert(s.release).values(q.release_values(release)))
                numbers = q.add_messages(connection, release, messages)
                rows = [q.delivery_values(release, new, numbers[new.channel, new.lang]) for new in deliveries]
                if rows:
                    connection.execute(insert(s.delivery), rows)
            except IntegrityError as error:
                raise ActionError(q.conflict(error, release)) from None
            facts = {"release_id": release.id, "version": release.version, "detail": release.seal}
            q.log(connection, release.sealed_at, who=who, action="schedule", **facts)

    def _replace_canceled(self, connection: Connection, release: Release) -> None:
        mine = q.of(release.id, release.version)
        states = connection.execute(select(s.delivery.c.state, s.delivery.c.attempts).where(mine)).all()
        if not states or any(state != State.canceled or attempts for state, attempts in states):
            return
        connection.execute(delete(s.delivery).where(mine))
        connection.execute(
            delete(s.message).where(s.message.c.release_id == release.id, s.message.c.version == release.version)
        )
        connection.execute(
            delete(s.release).where(s.release.c.id == release.id, s.release.c.version == release.version)
        )

    # ── the loop: begin → deliver → settle ────────────────────────────────────────────────────────────────────────

    def begin(
        self, worker: str, now: datetime, room: Callable[[str], int], verdict: Callable[[Due], Late]
    ) -> list[Due]:
        """The gate: write the attempts of what is due, in one durable commit, before any byte leaves.

        Takes at most `room(channel)` waiting rows of each channel whose `due` has come and whose release is usable.
        What `verdict` calls missed becomes `missed` instead. Only the returned ones may be sent.
        """
        with self._engine.begin() as connection:
            chosen: list[Due] = []
            missed: list[int] = []
            for channel in connection.execute(q.waiting_channels(now)).scalars().all():
                for row in connection.execute(q.due_rows(now, channel, max(0, room(channel)))):
                    due = q.due(row)
                    (missed.append(due.delivery.id) if verdict(due) is Late.missed else chosen.append(due))
            if missed:
                connection.execute(
                    update(s.delivery)
                    .where(s.delivery.c.id.in_(missed))
                    .values(state=State.missed, settled_at=micros(now), reason="the instant was missed by too much")
                )
            chosen.sort(key=lambda due: (due.delivery.due, due.priority, due.delivery.id))
            return self._write_attempts(connection, worker, now, chosen)

    def _write_attempts(self, connection: Connection, worker: str, now: datetime, chosen: list[Due]) -> list[Due]:
        if not chosen:
            return []
        connection.execute(
            update(s.delivery)
            .where(s.delivery.c.id.in_([due.delivery.id for due in chosen]))
            .values(state=State.sending, worker=worker, wanted=None, attempts=s.delivery.c.attempts + 1)
        )
        statement = insert(s.attempt).returning(s.attempt.c.id, sort_by_parameter_order=True)
        numbers = (
            connection.execute(statement, [settling.attempt_values(due, worker, now) for due in chosen]).scalars().all()
        )
        return [replace(due, attempt_id=number) for due, number in zip(chosen, numbers, strict=True)]

    def settle(self, worker: str, settlements: Iterable[Settlement]) -> None:
        """Write down how attempts ended. A late receipt still resolves a row that a reaper put in doubt; a retry gives
        way to what a person wanted meanwhile.
        """
        rows = [settling.settlement_values(one) for one in settlements]
        with self._engine.begin() as connection:
            connection.execute(settling.END_ATTEMPT, rows)
            for delivered in (True, False):
                some = [row for row in rows if (row["new_state"] == State.delivered) is delivered]
                if some:
                    connection.execute(settling.settle_delivery(worker, delivered=delivered), some)

    def reap(self, now: datetime, *, dead_before: datetime, myself: str) -> list[Delivery]:
        """Take back what dead workers left in `sending`: retried where the server takes our key, else in doubt."""
        alive = select(s.worker.c.name).where(or_(s.worker.c.beat_at >= micros(dead_before), s.worker.c.name == myself))
        orphaned = and_(s.delivery.c.state == State.sending, s.delivery.c.worker.not_in(alive))
        with self._engine.begin() as connection:
            ids = connection.execute(select(s.delivery.c.id).where(orphaned)).scalars().all()
            if not ids:
                return []
            repeatable = or_(s.delivery.c.idempotency == "A", s.delivery.c.in_doubt == "resend")
            connection.execute(
                update(s.attempt)
                .where(s.attempt.c.delivery_id.in_(ids), s.attempt.c.outcome.is_(None))
                .values(ended_at=micros(now), outcome=State.in_doubt, reason="the process ended before the answer")
            )
            connection.execute(
                update(s.delivery)
                .where(s.delivery.c.id.in_(ids))
                .values(
                    state=case((repeatable, func.coalesce(s.delivery.c.wanted, State.retrying)), else_=State.in_doubt),
                    reason="the process ended before the answer",
                    doubt_since=func.coalesce(s.delivery.c.doubt_since, micros(now)),
                )
            )
            return q.deliveries(connection, s.delivery.c.id.in_(ids))

    # ── what a person asks for ────────────────────────────────────────────────────────────────────────────────────

    def change(
        self,
        release_id: str,
        version: int,
        *,
        action: str,
        now: datetime,
        who: str,
        from_states: Iterable[State],
        to: State,
        pub_status: PubStatus,
        late_ok: bool = False,
    ) -> int:
        """Move every delivery of a version that is not on the wire; returns how many. Takes effect at once: the gate
        of a running service reads the same rows.
        """
        with self._engine.begin() as connection:
            values: dict[str, object] = {"state": to, "settled_at": micros(now)}
            if late_ok:
                values["late_ok"] = 1
            moved = connection.execute(
                update(s.delivery)
                .where(q.of(release_id, version), s.delivery.c.state.in_(list(from_states)))
                .values(values)
            ).rowcount
            on_the_wire = and_(q.of(release_id, version), s.delivery.c.state == State.sending)
            wanted = None if to is State.planned else to
            connection.execute(update(s.delivery).where(on_the_wire).values(wanted=wanted))
            connection.execute(
                update(s.release)
                .where(s.release.c.id == release_id, s.release.c.version == version)
                .values(pub_status=pub_status)
            )
            facts = {"release_id": release_id, "version": version, "detail": f"{moved} deliveries"}
            q.log(connection, now, who=who, action=action, **facts)
            return moved

    # ── liveness ──────────────────────────────────────────────────────────────────────────────────────────────────

    def beat(self, worker: Worker) -> None:
        """Say that a worker is alive."""
        values = {"name": worker.name, "pid": worker.pid, "began_at": micros(worker.began_at)}
        values["beat_at"] = micros(worker.beat_at)
        with self._engine.begin() as connection:
            connection.execute(
                upsert(s.worker)
                .values(values)
                .on_conflict_do_update(index_elements=["name"], set_={"beat_at": values["beat_at"]})
            )

    def leave(self, name: str) -> None:
        """A worker ends."""
        with self._engine.begin() as connection:
            connection.execute(delete(s.worker).where(s.worker.c.name == name))
