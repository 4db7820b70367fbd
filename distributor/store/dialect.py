"""Where SQLite and PostgreSQL differ."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Table, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from distributor.store.rows import micros


class _Moment(FunctionElement[int]):
    type = BigInteger()
    name = "moment"
    inherit_cache = True


@compiles(_Moment)
def _given(element: _Moment, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_Moment, "postgresql")
def _no_later_than_the_server(element: _Moment, compiler: SQLCompiler, **options: Any) -> str:
    given = compiler.process(element.clauses, **options)
    return f"LEAST({given}, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)"


def moment(now: datetime) -> _Moment:
    """The time in SQL, in microseconds: `now`, but on PostgreSQL never later than the server's own clock, so that a host
    whose clock runs fast begins nothing early. `statement_timestamp` is stable: an index condition may use it.
    """
    return _Moment(bindparam(None, micros(now), type_=BigInteger))


#: The same with the time given when the statement is executed: `{"now": micros(now)}`.
NOW = _Moment(bindparam("now", type_=BigInteger))


def alone(connection: Connection, release_id: str) -> None:
    """Let one person at a time act on a release, until the transaction ends: what they read of it stays true. SQLite has one writer
    at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": release_id})


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
