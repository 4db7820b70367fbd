"""Reading the ledger."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select

from distributor.lifecycle import WAITING, State
from distributor.store import queries as q
from distributor.store import schema as s
from distributor.store.rows import Attempt, Delivery, Release, Worker, instant, maybe_instant, micros


class Reader:
    """Questions that change nothing and block nobody."""

    def __init__(self, engine: Engine) -> None:
        """Use `open_ledger`."""
        self._engine = engine

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def release(self, release_id: str, version: int | None = None) -> Release | None:
        """One version, or the newest."""
        query = select(s.release).where(s.release.c.id == release_id).order_by(s.release.c.version.desc()).limit(1)
        if version is not None:
            query = query.where(s.release.c.version == version)
        with self._reading() as connection:
            row = connection.execute(query).first()
        return q.release(row) if row else None

    def releases(self) -> list[Release]:
        """Every sealed version, the latest lift first."""
        with self._reading() as connection:
            return [
                q.release(row)
                for row in connection.execute(select(s.release).order_by(s.release.c.lift.desc(), s.release.c.id))
            ]

    def deliveries(self, release_id: str, version: int) -> list[Delivery]:
        """The rows of one version, in the order of sending."""
        with self._reading() as connection:
            return q.deliveries(connection, q.of(release_id, version))

    def attempts(self, release_id: str, version: int) -> list[Attempt]:
        """Every try of one version, oldest first."""
        query = select(s.attempt).join(s.delivery, s.delivery.c.id == s.attempt.c.delivery_id)
        query = query.where(q.of(release_id, version)).order_by(s.attempt.c.id)
        with self._reading() as connection:
            return [q.attempt(row) for row in connection.execute(query)]

    def message(self, message_id: int) -> tuple[str, Mapping[str, bytes]]:
        """A sealed message as JSON and the artefacts it refers to."""
        with self._reading() as connection:
            body, content = connection.execute(
                select(s.message.c.body, s.message.c.content).where(s.message.c.id == message_id)
            ).one()
            wanted = {content, *q.hashes(body)}
            rows = connection.execute(select(s.artefact).where(s.artefact.c.sha256.in_(wanted)))
            return body, {row.sha256: row.data for row in rows}

    def instants(self, until: datetime, limit: int = 1000) -> list[datetime]:
        """Distinct instants up to `until` at which something waits to be sent, the next first."""
        query = select(s.delivery.c.due).where(s.delivery.c.state.in_(WAITING), s.delivery.c.due <= micros(until))
        query = query.distinct().order_by(s.delivery.c.due).limit(limit)
        with self._reading() as connection:
            return [instant(due) for due in connection.execute(query).scalars()]

    def counts(self) -> dict[State, int]:
        """How many deliveries are in each state."""
        query = select(s.delivery.c.state, func.count()).group_by(s.delivery.c.state)
        with self._reading() as connection:
            return {State(state): number for state, number in connection.execute(query)}

    def oldest_waiting(self) -> datetime | None:
        """The due instant of the delivery that has waited longest, or None."""
        query = select(func.min(s.delivery.c.due)).where(s.delivery.c.state.in_(WAITING))
        with self._reading() as connection:
            return maybe_instant(connection.execute(query).scalar())

    def workers(self) -> list[Worker]:
        """Every process that has not said goodbye."""
        with self._reading() as connection:
            rows = connection.execute(select(s.worker).order_by(s.worker.c.beat_at.desc()))
            return [
                Worker(name=r.name, pid=r.pid, began_at=instant(r.began_at), beat_at=instant(r.beat_at)) for r in rows
            ]

    def _reading(self) -> Connection:
        return self._engine.connect().execution_options(reading=True)
