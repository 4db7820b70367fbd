"""The ledger's actions. Each is one transaction; every change of state is a compare-and-set."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, and_, case, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from distributor import agreed
from distributor.errors import ActionError
from distributor.lifecycle import KILL, STOPPED, WAITING, PubStatus, State
from distributor.plain import counted
from distributor.store import destinations as places
from distributor.store import gate, reaping, restored
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.dialect import alone, moment, upsert
from distributor.store.gate import Verdict
from distributor.store.order import CALLED_OFF, OVERTAKEN
from distributor.store.pace import Mark, Pace, Remains
from distributor.store.reader import Reader, bounces
from distributor.store.rows import (
    STOPPED_WORKER,
    Agreed,
    Delivery,
    NewDelivery,
    Release,
    Room,
    SealedMessage,
    Settlement,
    Turn,
    Worker,
    micros,
)
from distributor.store.traces import PERHAPS_OUT
from distributor.store.wanted import Change, move, refuse_killed, taken_back

_AT_ONCE = 5_000


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
        again: str = "",
        destinations: Iterable[Agreed] = (),
    ) -> None:
        """Seal a version and plan its deliveries, all or nothing.

        A version none of whose deliveries was ever attempted is replaced when all of them are canceled, or when it is
        planned `again` (the action: reschedule, replace); what was held stays held. Raises ActionError when the version is already there
        otherwise, or a delivery would precede the lift.
        """
        with self.writing() as connection:
            alone(connection, release.id)
            refuse_killed(connection, release.id, release.version)
            held = self._replace(connection, release, again)
            try:
                connection.execute(insert(s.release).values(q.release_values(release)))
                numbers = q.add_messages(connection, release, messages)
                rows = (q.delivery_values(release, new, numbers[new.channel, new.lang]) for new in deliveries)
                while some := list(islice(rows, _AT_ONCE)):  # a list of a million is never in memory as rows
                    connection.execute(insert(s.delivery), some)
            except IntegrityError as error:
                raise ActionError(q.conflict(error, release)) from None
            places.add(connection, destinations, who=who, at=release.sealed_at)
            if held:
                here = q.of(release.id, release.version)
                connection.execute(update(s.delivery).where(here).values(state=State.held))
                connection.execute(q.update_release(release.id, release.version).values(pub_status=PubStatus.withheld))
            facts = {"release_id": release.id, "version": release.version}
            for remark in agreed.remarks(release.snapshot):
                q.log(connection, release.sealed_at, who=who, action="agree", detail=remark, **facts)
            facts["detail"] = release.seal
            action = again or "schedule"
            q.log(connection, release.sealed_at, who=who, action=action, **facts)

    def _replace(self, connection: Connection, new: Release, again: str) -> bool:
        """Make room for a version; returns whether what was there is on hold."""
        mine = q.of(new.id, new.version)
        query = select(s.delivery.c.state, s.delivery.c.attempts).where(mine).order_by(s.delivery.c.id)
        states = connection.execute(query.with_for_update()).all()
        if again and any(state == State.canceled for state, _ in states):
            raise ActionError(f"'{new.id}' was canceled: it is not moved or replaced, but can be scheduled anew")
        if again and any(attempts for _, attempts in states):
            tried = sum(bool(attempts) for _, attempts in states)
            raise ActionError(
                f"{tried} of {counted(len(states), 'delivery', 'deliveries')} of '{new.id}' have been attempted with the old "
                f"{'time' if again == 'reschedule' else 'text'} in them: "
                f"cancel the rest and issue version {new.version + 1}"
            )
        if not states or not (again or all(state == State.canceled and not tried for state, tried in states)):
            return False
        places.remove(connection, new.id, new.version)
        for table in (s.delivery, s.message):
            connection.execute(delete(table).where(table.c.release_id == new.id, table.c.version == new.version))
        connection.execute(delete(s.release).where(s.release.c.id == new.id, s.release.c.version == new.version))
        return any(state == State.held for state, _ in states)

    # ── the loop: begin → deliver → settle ────────────────────────────────────────────────────────────────────────

    def turn(
        self,
        worker: str,
        now: datetime,
        *,
        settlements: Iterable[Settlement] = (),
        rooms: Collection[Room] = (),
        verdict: Verdict,
        flying: Collection[int] | None = None,
        pace: Pace | None = None,
        objection: places.Objection = places.no_objection,
        mark: Mark | None = None,
    ) -> Turn:
        """One durable commit: settle what has landed, then write the attempts of what is due, before any byte leaves.

        Begins at most `room.free` rows of each channel, whose `due` has come and whose release is usable. Only the
        begun ones may be sent. A late receipt still resolves a row that a reaper put in doubt; a retry gives way to
        what a person wanted meanwhile. `flying` names what really is on the wire, after a commit whose answer was lost.
        `pace` says how carefully to claim after a crash, `mark` what the state folder knows: in a ledger that is older, what
        is due is held.
        `objection` says why a channel's deliveries are held instead.
        """
        with self.writing() as connection:
            gate.settle(connection, worker, settlements)
            if flying is not None:
                reaping.take_back_unsent(connection, worker, now, flying)
            if since := restored.look(connection, mark, now):
                restored.hold_due(connection, now, since)
            turn = gate.begin(connection, worker, now, rooms, verdict, pace or Pace(), objection)
            return replace(turn, batch=restored.count(connection, mark)) if turn.begun and mark else turn

    def strays(self, now: datetime, known: Collection[str]) -> list[str]:
        """Channels on which something is due and that are not `known`."""
        with self.reading() as connection:
            return q.strays(connection, now, known)

    def reap(
        self, now: datetime, *, myself: str, alone: bool = False, remains: Mapping[str, Remains] | None = None
    ) -> list[Delivery]:
        """Take back what workers without a sign of life for LEASE left on the wire; `alone`: what everybody else left.

        `remains`: what is known of processes that are certainly dead. Details: `reaping.reap`.
        """
        with self.writing() as connection:
            reaping.forget_workers(connection, now - timedelta(days=1))
            return reaping.reap(connection, now, myself=myself, alone=alone, remains=remains or {})

    # ── what a person asks for ────────────────────────────────────────────────────────────────────────────────────

    def change(self, release_id: str, version: int, change: Change, *, now: datetime, who: str) -> int:
        """Move every delivery of a version that is not on the wire; returns how many. Takes effect at once: the gate
        of a running service reads the same rows. What is on the wire is moved when it comes back unsent. What may be
        out already is not canceled but in doubt: a person says what became of it.
        """
        with self.writing() as connection:
            alone(connection, release_id)
            refuse_killed(connection, release_id, version)
            return move(connection, release_id, version, change, now=now, who=who)

    def hold_back(self, row: Delivery, *, now: datetime, why: str) -> int:
        """Hold what is left of a delivery's list, as a person would, on its channel alone; returns how many deliveries."""
        hold = Change(action="hold", from_states=WAITING, to=State.held, pub_status=PubStatus.usable)
        with self.writing() as connection:
            held = move(connection, row.release_id, row.version, hold, now=now, who="breaker", channel=row.channel)
            if held:
                facts = {"release_id": row.release_id, "version": row.version, "detail": f"{row.channel}: {why}"}
                q.log(connection, now, who="breaker", action="stop", **facts)
            return held

    def kill(
        self, release_id: str, version: int, able: Collection[str], *, now: datetime, who: str
    ) -> tuple[list[Delivery], list[Delivery]]:
        """Withdraw a version: cancel what is not out, and plan for what is, on the channels that are `able`, a delivery that
        takes it back, due now; after it has landed, where it is on the wire. Returns (what is being taken back, what cannot
        be). Repeated, it changes nothing.
        """
        c = s.delivery.c
        stop = Change(action="kill", from_states=(*WAITING, *STOPPED), to=State.canceled, pub_status=PubStatus.canceled)
        with self.writing() as connection:
            alone(connection, release_id)
            taken = taken_back(connection, release_id, version)
            alive = q.update_release(release_id, version).where(s.release.c.killed_at.is_(None))
            if connection.execute(alive.values(killed_at=micros(now))).rowcount or q.goes_on(
                connection, release_id, version
            ):
                move(connection, release_id, version, stop, now=now, who=who)
            out = q.deliveries(connection, and_(q.of(release_id, version), c.kind != KILL, PERHAPS_OUT))
            back = [row for row in out if row.channel in able]
            if new := [row.id for row in back if (row.channel, row.recipient) not in taken]:
                connection.execute(q.kill_rows(new, now))
            return back, [row for row in out if row.channel not in able]

    def settle_doubt(
        self, rows: Iterable[Delivery], *, there: bool, now: datetime, who: str, url: str | None = None
    ) -> list[Delivery]:
        """A person looked: what is in doubt `there` is delivered, else it is planned again and goes out at once, unless a
        newer version is there; of a canceled release it is canceled. Returns what was settled, as it is now.
        """
        c = s.delivery.c
        settled: list[int] = []
        values: dict[str, object] = {"settled_at": micros(now), "reason": f"{who} looked: it is there"}
        values |= {"state": State.delivered, "sent_at": case((c.doubt_since.is_(None), c.due), else_=c.doubt_since)}
        values |= {"remote_url": url} if url else {}
        if not there:
            state = case((CALLED_OFF, State.canceled), else_=State.planned)
            values = {"state": state, "late_ok": 1, "doubt_since": None, "reason": f"{who} sends it again"}
        with self.writing() as connection:
            for row in rows:
                mine = [c.id == row.id, c.state == State.in_doubt, *([] if there else [~OVERTAKEN])]
                if not connection.execute(update(s.delivery).where(*mine).values(values)).rowcount:
                    continue
                settled.append(row.id)
                facts = {"release_id": row.release_id, "version": row.version}
                detail = f"{row.channel} {row.recipient}: {'there' if there else 'again'}"
                q.log(connection, now, who=who, action="settle", detail=detail, **facts)
            return q.deliveries(connection, c.id.in_(settled))

    def note_bounce(self, delivery_id: int, *, action: str, text: str, mark: str, now: datetime, who: str) -> bool:
        """Write into the history what came back for a delivery, as `channel recipient: text [mark]`. The same mark again writes
        nothing; returns whether it was new. The delivery itself stays as it is: the other server had taken it.
        """
        c = s.delivery.c
        query = select(c.release_id, c.version, c.channel, c.recipient).where(c.id == delivery_id)
        with self.writing() as connection:
            row = connection.execute(query.with_for_update()).first()  # two readers of one mailbox write it once
            if row is None or connection.execute(bounces(delivery_id, mark)).first():
                return False
            facts = {"release_id": row.release_id, "version": row.version}
            q.log(
                connection,
                now,
                who=who,
                action=action,
                detail=f"{row.channel} {row.recipient}: {text} [{mark}]",
                **facts,
            )
            return True

    # ── liveness ──────────────────────────────────────────────────────────────────────────────────────────────────

    def beat(self, worker: Worker) -> None:
        """Say that a worker is alive."""
        with self.writing() as connection:
            new = upsert(connection, s.worker).values(
                name=worker.name,
                pid=worker.pid,
                host=worker.host,
                began_at=micros(worker.began_at),
                beat_at=moment(worker.beat_at),
                ahead=worker.ahead // timedelta(microseconds=1),
                trouble=worker.trouble or None,
            )
            again = {name: new.excluded[name] for name in ("beat_at", "ahead", "trouble")}
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=again))

    def watch(self, mark: Mark, now: datetime) -> restored.Restored | None:
        """Compare the ledger with what a state folder knows. Returns what is held where it is older: it was restored."""
        with self.writing() as connection:
            if since := restored.look(connection, mark, now):
                restored.hold_due(connection, now, since)
            return restored.standing(connection)

    def restored(self) -> restored.Restored | None:
        """Whether the ledger was put back from a backup and nobody has said yet what was out."""
        with self.reading() as connection:
            return restored.standing(connection)

    def begin_restored(self, now: datetime) -> None:
        """The ledger comes out of a backup: what is due is held until a person says what is out."""
        with self.writing() as connection:
            restored.begin(connection, now)

    def settle_restored(self, *, there: bool, now: datetime, who: str) -> int:
        """A person says what became of what is held in a restored ledger; returns how many deliveries."""
        with self.writing() as connection:
            return restored.settle(connection, there=there, now=now, who=who)

    def leave(self, name: str, now: datetime) -> None:
        """Forget a worker that ends, and remember when."""
        with self.writing() as connection:
            connection.execute(delete(s.worker).where(s.worker.c.name == name))
            new = upsert(connection, s.worker).values(
                name=STOPPED_WORKER, pid=0, host="", began_at=micros(now), beat_at=micros(now), ahead=0
            )
            again = {"began_at": new.excluded.began_at, "beat_at": new.excluded.beat_at}
            connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=again))
