"""Many machines: one PostgreSQL database."""

from sqlalchemy import Connection, Engine, create_engine, make_url, text

from distributor.errors import StoreError

PREFIXES = ("postgresql://", "postgres://")
_ADVISORY = 0x70726573  # "pres": one process at a time brings the schema forward


def engine(url: str) -> Engine:
    """An engine that notices a dead connection and never waits for ever. Raises StoreError without the driver."""
    target = make_url(url).set(drivername="postgresql+psycopg")
    settings = {
        "connect_timeout": 5,
        "application_name": "distributor",
        "options": "-c timezone=UTC -c statement_timeout=30s -c lock_timeout=20s -c idle_in_transaction_session_timeout=30s",
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    try:
        return create_engine(
            target, pool_pre_ping=True, pool_size=2, max_overflow=2, connect_args=settings, hide_parameters=True
        )
    except ModuleNotFoundError:
        raise StoreError("a PostgreSQL store needs its driver: pip install 'press-distributor[postgresql]'") from None


def shown(url: str) -> str:
    """The address, free of its password."""
    return make_url(url).render_as_string(hide_password=True)


def alone(connection: Connection) -> None:
    """Let one process at a time go on, until its transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY})


def way_out(cause: str) -> str:
    """What a person can do about it."""
    if "password" in cause or "authentication" in cause:
        return "set PGPASSWORD, or write the password into ~/.pgpass"
    if "does not exist" in cause:
        return "make the database and the role, and grant the role CREATE on it"
    if "permission denied" in cause or "read-only" in cause:
        return "grant the role the right to write"
    return "look whether the server runs and can be reached from here"
