"""The steps that bring an older database forward. Append only: a released step never changes."""

from collections.abc import Callable

from sqlalchemy import Connection, func, insert, inspect, select, text, update

from distributor.store import schema as s


def _shared_work(connection: Connection) -> None:
    """1 → 2: accounts, workers that name their host, and indexes for what waits."""
    for column in (s.worker.c.host, s.worker.c.ahead):
        kind = column.type.compile(connection.dialect)
        connection.execute(text(f"ALTER TABLE worker ADD COLUMN {column.name} {kind}"))
    s.account.create(connection)
    for index in (*s.NEW_INDEXES, s.ATTEMPT_NUMBER):
        index.create(connection)
    for old in ("delivery_waiting", "ix_attempt_delivery_id"):
        connection.execute(text(f"DROP INDEX IF EXISTS {old}"))


def _signatures(connection: Connection) -> None:
    """2 → 3: what was signed when a message was sealed."""
    kind = s.delivery.c.signature.type.compile(connection.dialect)
    connection.execute(text(f"ALTER TABLE delivery ADD COLUMN signature {kind}"))


def _people(connection: Connection) -> None:
    """3 → 4: the people of the desk."""
    for table in (s.person, s.session, s.api_token, s.audit):
        table.create(connection)


def _approvals(connection: Connection) -> None:
    """4 → 5: who approved which bytes, and an index for lists."""
    s.approval.create(connection)
    s.HEADS.create(connection)


def _for_good(connection: Connection) -> None:
    """5 → 6: what those who approved have read; a kill is written on the release itself."""
    if "words" not in {column["name"] for column in inspect(connection).get_columns("approval")}:
        connection.execute(text("ALTER TABLE approval ADD COLUMN words TEXT"))
    connection.execute(text("ALTER TABLE release ADD COLUMN killed_at BIGINT"))
    killed = select(func.max(s.event.c.at)).where(
        s.event.c.release_id == s.release.c.id,
        s.event.c.version == s.release.c.version,
        s.event.c.action == "kill",
        s.event.c.at >= s.release.c.sealed_at,  # scheduled anew after a kill, as it could be then: it lives
    )
    connection.execute(update(s.release).values(killed_at=killed.scalar_subquery()))


def _made(connection: Connection) -> None:
    """6 → 7: what a delivery made besides its post."""
    s.made.create(connection, checkfirst=True)


def _crashes(connection: Connection) -> None:
    """7 → 8: crashes are counted apart from attempts that asked the network."""
    for column in (s.delivery.c.crashes, s.delivery.c.asked):
        connection.execute(text(f"ALTER TABLE delivery ADD COLUMN {column.name} INTEGER NOT NULL DEFAULT 0"))
    connection.execute(update(s.delivery).values(asked=s.delivery.c.attempts))
    s.SUSPECTS.create(connection)


def _destinations(connection: Connection) -> None:
    """8 → 9: where each channel of a version goes, and why a service does not follow its config."""
    s.destination.create(connection)
    connection.execute(text("ALTER TABLE worker ADD COLUMN trouble TEXT"))


def _witnesses(connection: Connection) -> None:
    """9 → 10: whose ledger it is, and how much was sent with it."""
    for table in (s.site, s.witness):
        table.create(connection, checkfirst=True)


def _inputs(connection: Connection) -> None:
    """10 → 11: the files that a version was made from."""
    connection.execute(text("ALTER TABLE release ADD COLUMN inputs TEXT"))


#: Step n brings version n to version n+1. A new database is made whole and starts at the newest version.
STEPS: tuple[Callable[[Connection], None], ...] = (
    _shared_work,
    _signatures,
    _people,
    _approvals,
    _for_good,
    _made,
    _crashes,
    _destinations,
    _witnesses,
    _inputs,
)
VERSION = len(STEPS) + 1


def create(connection: Connection) -> None:
    """Make every table in an empty database."""
    s.metadata.create_all(connection)
    connection.execute(insert(s.schema_version).values(version=VERSION))


def migrate(connection: Connection, found: int) -> None:
    """Take the steps from `found` to the newest version."""
    for step in STEPS[found - 1 :]:
        step(connection)
    connection.execute(s.schema_version.update().values(version=VERSION))


def version_of(connection: Connection) -> int:
    """The version written in the database."""
    return int(connection.execute(select(s.schema_version.c.version)).scalar_one())
