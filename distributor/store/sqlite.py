"""One machine: a SQLite file in WAL mode."""

from typing import Any

from sqlalchemy import Engine, create_engine, event


def engine(url: str) -> Engine:
    """An engine whose commits survive a power cut and whose writers wait for each other."""
    made = create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)  # an error shows nobody's words

    @event.listens_for(made, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN is ours, below
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # an attempt row survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(made, "begin")
    def _begin(connection: Any) -> None:
        # A writer takes the lock at once: upgrading a read lock would fail instead of waiting.
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return made


def way_out(cause: str) -> str:
    """What a person can do about it."""
    if "readonly" in cause or "unable to open" in cause:
        return "make the file and its folder writable"
    if "locked" in cause:
        return "another program holds it: close that one"
    if "full" in cause:
        return "make room on the disk"
    return "look at the file and its folder"
