"""Opening the database: made on first use, brought forward when older, refused when newer."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine, ExceptionContext, event, inspect
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError

from distributor.errors import NoLedger, StoreError
from distributor.site import SQLITE
from distributor.store import postgres, sqlite, steps
from distributor.store.base import reading
from distributor.store.ledger import Ledger
from distributor.store.people import People


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """The ledger at `url`: `sqlite:///path` or `postgresql://user@host/database`. With `create=False` a ledger that is not
    there is an error, not made.

    Raises StoreError with the way out: a read-only folder, a newer schema, a file that is no database, no server.
    """
    return Ledger(_engine(url, create=create))


def open_people(url: str) -> People:
    """The people of the desk, in the same database as the ledger; made where it is not there. Raises StoreError as above."""
    return People(_engine(url, create=True))


def _engine(url: str, *, create: bool) -> Engine:
    if url.startswith(SQLITE):
        return _sqlite(url, create=create)
    if url.startswith(postgres.PREFIXES):
        return _postgres(url, create=create)
    scheme = url.partition(":")[0]
    raise StoreError(f"the store '{scheme}:…' is not supported; use sqlite:///path or postgresql://user@host/database")


def _sqlite(url: str, *, create: bool) -> Engine:
    path = Path(url.removeprefix(SQLITE))
    if not create and not path.is_file():
        raise NoLedger(f"there is no ledger yet at {path}: nothing has been scheduled on this site")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = sqlite.engine(url)
        with _disposed_on_error(engine):
            _speak_plainly(engine, str(path), sqlite.way_out)
            _bring_forward(engine, str(path))
    except OSError as error:
        raise StoreError(f"cannot write the ledger {path}: {error.strerror}; make the folder writable") from None
    except DatabaseError as error:
        raise StoreError(f"{path} is not a ledger: {error.orig}; restore it from a backup") from None
    return engine


def _postgres(url: str, *, create: bool) -> Engine:
    try:
        shown = postgres.shown(url)
        engine = postgres.engine(url)
    except (ArgumentError, ValueError):
        raise StoreError("the store's address cannot be read; write postgresql://user@host:5432/database") from None
    try:
        with _disposed_on_error(engine):
            _speak_plainly(engine, shown, postgres.way_out)
            if not create:
                _refuse_missing(engine, shown)
            _bring_forward(engine, shown)
    except DatabaseError as error:
        cause = str(error.orig).strip()
        raise StoreError(f"the ledger {shown} cannot be made: {cause}; {postgres.way_out(cause)}") from None
    return engine


@contextlib.contextmanager
def _disposed_on_error(engine: Engine) -> Iterator[None]:
    """Close the connections of an engine that nobody will get: Python 3.13 reports each that stays open."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


def _refuse_missing(engine: Engine, shown: str) -> None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("schema_version"):
            raise NoLedger(f"there is no ledger yet at {shown}: nothing has been scheduled on this site")


def _speak_plainly(engine: Engine, shown: str, way_out: Callable[[str], str]) -> None:
    """What goes wrong with the database itself reaches people as StoreError, and the loop as something to try again."""

    @event.listens_for(engine, "handle_error")
    def _tell(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, OperationalError | InterfaceError):
            cause = " ".join(str(context.original_exception).split())
            raise StoreError(f"the ledger {shown} cannot be used: {cause}; {way_out(cause)}") from None


def _bring_forward(engine: Engine, shown: str) -> None:
    with reading(engine) as connection:  # the usual case waits for no writer
        if inspect(connection).has_table("schema_version") and steps.version_of(connection) == steps.VERSION:
            return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            postgres.alone(connection)
        if not inspect(connection).has_table("schema_version"):
            steps.create(connection)
            return
        found = steps.version_of(connection)
        if found > steps.VERSION:
            raise StoreError(
                f"the ledger {shown} was written by a newer distributor (schema {found}, this one knows "
                f"{steps.VERSION}): upgrade distributor; the ledger was not touched"
            )
        if found < steps.VERSION:
            steps.migrate(connection, found)
