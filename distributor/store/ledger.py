"""The ledger's actions. Each is one transaction; every change of state is a compare-and-set."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from distributor.errors import ActionError
from distributor.lifecycle import Late, PubStatus, State
from distributor.store import queries as q
from distributor.store import schema as s
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

    def begin(self, worker: str, now: datetime, limit: int, verdict: Callable[[Due], Late]) -> list[Due]:
        """The gate: write the attempts of what is due, in one durable commit, before any byte leaves.

        Takes at most `limit` waiting rows whose `due` has come and whose release is usable. What `verdict` calls
        missed becomes `missed` instead. Only the returned ones may be sent.
        """
        with self._engine.begin() as connection:
            rows = connection.execute(q.due_rows(now, limit)).all()
            chosen: list[Due] = []
            missed: list[int] = []
            for row in rows:
                due = q.due(row)
                (missed.append(due.delivery.id) if verdict(due) is Late.missed else chosen.append(due))
            if missed:
                connection.execute(
                    update(s.delivery)
                    .where(s.delivery.c.id.in_(missed))
                    .values(state=State.missed, settled_at=micros(now), reason="the instant was missed by too much")
                )
            return self._write_attempts(connection, worker, now, chosen)

    def _write_attempts(self, connection: Connection, worker: str, now: datetime, chosen: list[Due]) -> list[Due]:
        if not chosen:
            return []
        ids = [due.delivery.id for due in chosen]
        connection.execute(
            update(s.delivery)
            .where(s.delivery.c.id.in_(ids))
            .values(state=State.sending, worker=worker, attempts=s.delivery.c.attempts + 1)
        )
        numbers: Sequence[int] = (
            connection.execute(
                insert(s.attempt).returning(s.attempt.c.id, sort_by_parameter_order=True),
                [
                    {
                        "delivery_id": due.delivery.id,
                        "number": due.delivery.attempts + 1,
                        "worker": worker,
                        "digest": due.delivery.digest,
                        "began_at": micros(now),
                    }
                    for due in chosen
                ],
            )
            .scalars()
            .all()
        )
        return [
            Due(
                delivery=due.delivery,
                attempt_id=number,
                late_ok=due.late_ok,
                partly_out=due.partly_out,
                catch_up_within=due.catch_up_within,
                in_doubt=due.in_doubt,
            )
            for due, number in zip(chosen, numbers, strict=True)
        ]

    def settle(self, worker: str, settlements: Iterable[Settlement]) -> None:
        """Write down how attempts ended. A late receipt still resolves a row that a reaper put in doubt."""
        with self._engine.begin() as connection:
            for one in settlements:
                connection.execute(
                    update(s.attempt)
                    .where(s.attempt.c.id == one.attempt_id)
                    .values(ended_at=micros(one.ended_at), outcome=one.outcome, reason=one.reason)
                )
                delivered = one.state is State.delivered
                connection.execute(
                    update(s.delivery)
                    .where(
                        s.delivery.c.id == one.delivery_id,
                        s.delivery.c.worker == worker,
                        s.delivery.c.state.in_([State.sending, *([State.in_doubt] if delivered else [])]),
                    )
                    .values(
                        state=one.state,
                        due=micros(one.due),
                        reason=one.reason,
                        remote_id=one.remote_id,
                        remote_url=one.remote_url,
                        sent_at=micros(one.began_at) if delivered else None,
                        settled_at=micros(one.ended_at),
                    )
                )

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
                    state=case((repeatable, State.retrying), else_=State.in_doubt),
                    reason="the process ended before the answer",
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
