"""Opening the database: made on first use, brought forward when older, refused when newer."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, ExceptionContext, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError, OperationalError

from distributor.errors import StoreError
from distributor.store import schema
from distributor.store.ledger import Ledger

_PREFIX = "sqlite:///"


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """The ledger at `url`. With `create=False` a database that is not there is an error, not made.

    Raises StoreError with the way out: a read-only folder, a newer schema, a file that is no database.
    """
    if not url.startswith(_PREFIX):
        raise StoreError(f"the store '{url.partition(':')[0]}:…' is not supported; use sqlite:///path")
    path = Path(url.removeprefix(_PREFIX))
    if not create and not path.is_file():
        raise StoreError(f"there is no ledger yet at {path}: nothing has been scheduled on this site")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(url, path)
        _bring_forward(engine, path)
    except OSError as error:
        raise StoreError(f"cannot write the ledger {path}: {error.strerror}; make the folder writable") from None
    except DatabaseError as error:
        raise StoreError(f"{path} is not a ledger: {error.orig}; restore it from a backup") from None
    return Ledger(engine)


def _way_out(text: str) -> str:
    if "readonly" in text or "unable to open" in text:
        return "make the file and its folder writable"
    if "locked" in text:
        return "another program holds it: close that one"
    if "full" in text:
        return "make room on the disk"
    return "look at the file and its folder"


def _engine(url: str, path: Path) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN is ours, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # an attempt row survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A writer takes the lock at once: upgrading a read lock would fail instead of waiting.
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    @event.listens_for(engine, "handle_error")
    def _tell(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, OperationalError):
            cause = str(context.original_exception)
            raise StoreError(f"the ledger {path} cannot be used: {cause}; {_way_out(cause)}") from None

    return engine


def _bring_forward(engine: Engine, path: Path) -> None:
    with engine.connect().execution_options(reading=True) as connection:  # the usual case waits for no writer
        if inspect(connection).has_table("schema_version") and schema.version_of(connection) == schema.VERSION:
            return
    with engine.begin() as connection:
        if not inspect(connection).has_table("schema_version"):
            schema.create(connection)
            return
        found = schema.version_of(connection)
        if found > schema.VERSION:
            raise StoreError(
                f"the ledger {path} was written by a newer distributor (schema {found}, this one knows "
                f"{schema.VERSION}): upgrade distributor; the ledger was not touched"
            )
        if found < schema.VERSION:
            schema.migrate(connection, found)
