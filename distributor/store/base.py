"""What every part of the store begins with: an engine, read without waiting, written in one transaction."""

from contextlib import AbstractContextManager

from sqlalchemy import Connection, Engine


class Store:
    """An open database. `open_ledger` and `open_people` make them."""

    def __init__(self, engine: Engine) -> None:
        """Use one of the two."""
        self._engine = engine

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def reading(self) -> Connection:
        """A transaction that only reads: on SQLite it takes no lock, and waits for nobody who writes."""
        return reading(self._engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that may write; all of it or nothing."""
        return self._engine.begin()


def reading(engine: Engine) -> Connection:
    """A connection whose transactions only read."""
    return engine.connect().execution_options(reading=True)
