"""A consistent copy of the ledger while others work on it, and putting one back."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import inspect

from distributor.errors import StoreError
from distributor.store import postgres, sqlite
from distributor.store.ledger import Ledger


def copy(ledger: Ledger, url: str, target: Path) -> None:
    """Write a copy of the ledger as it is at one moment: a SQLite file, or a dump of PostgreSQL. Raises StoreError."""
    if ledger.shared:
        _program("pg_dump", "--format=custom", "--no-owner", f"--file={target}", _plain(url))
        return
    made = sqlite.engine(f"sqlite:///{target}")
    try:
        with ledger.reading() as source, made.connect() as to:
            one, two = source.connection.driver_connection, to.connection.driver_connection
            assert one
            one.backup(two)  # https://www.sqlite.org/backup.html
    finally:
        made.dispose()  # the last connection writes the WAL into the file


def load_dump(url: str, dump: Path) -> None:
    """Put a dump of PostgreSQL into an empty database. Raises StoreError where it is not empty."""
    engine = postgres.engine(url)
    try:
        with engine.connect() as connection:
            if inspect(connection).has_table("schema_version"):
                raise StoreError(
                    f"the database {postgres.shown(url)} holds a ledger already: make an empty one and name it in the config of "
                    "the backup's site, or drop that one first"
                )
    finally:
        engine.dispose()
    _program(
        "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_plain(url)}", str(dump)
    )


def _plain(url: str) -> str:
    """As libpq reads it."""
    return url.replace("postgres://", "postgresql://", 1)


def _program(name: str, *words: str) -> None:
    found = shutil.which(name)
    if found is None:
        raise StoreError(f"a PostgreSQL ledger needs PostgreSQL's own {name}: install its client programs")
    done = subprocess.run([found, *words], capture_output=True, text=True, check=False, env=os.environ)  # noqa: S603
    if done.returncode:
        raise StoreError(f"{name} failed: {' '.join(done.stderr.split())[:500]}")
