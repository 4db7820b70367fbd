"""Opening the ledger, and what is told when it cannot be used."""

import resource
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.errors import ActionError, StoreError
from distributor.site import Site
from distributor.store import Worker, approvals, glance, open_ledger, overview, steps
from distributor.store.attention import Need
from distributor.store.rows import instant, micros
from tests import sites

FUTURE = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return sites.make(tmp_path / "site", sites.box(tmp_path / "site"))


def desk(root: Path) -> Desk:
    return Desk(site=Site(root), clock=SystemClock())


def test_instants_are_exact() -> None:
    moment = datetime(2030, 3, 5, 1, 0, 0, 123457, tzinfo=UTC)
    assert instant(micros(moment)) == moment
    with pytest.raises(ValueError, match="naive"):
        micros(moment.replace(tzinfo=None))


def test_made_on_first_use_in_wal_mode(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    with sites.database(root) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_newer_schema_is_refused_and_not_touched(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    path = root / "var" / "distributor.db"
    with sites.database(root) as db:
        db.execute("UPDATE schema_version SET version = 99")
    with sites.database(root) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"written by a newer distributor.*upgrade"):
        desk(root).status()
    assert path.read_bytes() == before


def test_a_file_that_is_no_database(root: Path) -> None:
    (root / "var").mkdir()
    (root / "var" / "distributor.db").write_text("this is a shopping list, " * 100)
    with pytest.raises(StoreError, match=r"is not a ledger.*backup"):
        desk(root).status()


def test_a_place_that_cannot_be_written(root: Path) -> None:
    """/proc refuses root as well."""
    config = root / "config" / "distributor.toml"
    config.write_text(config.read_text() + '[places]\nstate = "/proc/no"\nstore = "sqlite:////proc/no/d.db"\n')
    with pytest.raises(StoreError, match=r"cannot write the ledger.*writable"):
        desk(root).schedule(sites.release(root, FUTURE))


def test_a_read_only_site(root: Path) -> None:
    import os

    if os.geteuid() == 0:
        pytest.skip("root writes into read-only folders; test_a_place_that_cannot_be_written covers it")
    path = sites.release(root, FUTURE)
    root.chmod(0o555)
    try:
        with pytest.raises(StoreError, match="cannot write the ledger"):
            desk(root).schedule(path)
    finally:
        root.chmod(0o755)


def test_an_unsupported_store() -> None:
    with pytest.raises(StoreError, match="'mysql:…' is not supported"):
        open_ledger("mysql://secret@host/db")


def test_a_full_disk_plans_nothing_and_says_so(root: Path) -> None:
    """The kernel refuses every write past 8 kB, as a full disk would."""
    path = sites.release(root, FUTURE)
    done = subprocess.run(
        [sys.executable, "-m", "distributor", "--site", str(root), "schedule", str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
    for leftover in (root / "var").glob("*"):
        leftover.unlink()
    desk(root).schedule(path)


def test_another_program_holding_the_ledger_is_waited_for(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    held = threading.Event()

    def hold() -> None:
        db = sqlite3.connect(root / "var" / "distributor.db", isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        held.set()
        time.sleep(1.0)
        db.execute("COMMIT")
        db.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert desk(root).hold("three-piers")[1] == 1
    thread.join()


def test_reading_does_not_wait_for_a_writer(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    db = sqlite3.connect(root / "var" / "distributor.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    with desk(root).ledger() as ledger:
        assert ledger.counts()
        release = ledger.release(ledger.heads()[0].id)
        assert release
        assert overview.channels(ledger, release)
        assert overview.rows(ledger, release, most=1)
        assert overview.sent_since(ledger, release, FUTURE) == 0
        assert approvals.of(ledger, release.id, release.version) == []
    db.execute("ROLLBACK")
    db.close()


def test_a_tampered_row_breaks_the_seal(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    with sites.database(root) as db:
        db.execute("UPDATE delivery SET digest = 'f00d'")
    _, holds, proofs = desk(root).verify("three-piers")
    assert not holds
    assert not proofs[0].holds


def test_a_ledger_that_is_not_there_is_not_made_by_looking(root: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been scheduled"):
        desk(root).status()
    with pytest.raises((ActionError, StoreError)):
        desk(root).cancel("three-piers")
    assert not (root / "var").exists()


def test_an_older_schema_is_brought_forward(root: Path) -> None:
    """A ledger as version 1 made it: without accounts, hosts and the newer indexes."""
    desk(root).schedule(sites.release(root, FUTURE))
    path = root / "var" / "distributor.db"
    db = sqlite3.connect(path)
    for index in ("delivery_ready", "delivery_next", "delivery_on_wire", "delivery_order", "attempt_number"):
        db.execute(f"DROP INDEX {index}")
    db.execute("CREATE INDEX delivery_waiting ON delivery (state, due, priority)")
    db.execute("CREATE INDEX ix_attempt_delivery_id ON attempt (delivery_id)")
    for table in ("account", "session", "api_token", "person", "audit", "made"):
        db.execute(f"DROP TABLE {table}")
    for column in ("host", "ahead", "trouble"):
        db.execute(f"ALTER TABLE worker DROP COLUMN {column}")
    db.execute("ALTER TABLE delivery DROP COLUMN signature")
    db.execute("DROP TABLE approval")
    db.execute("DROP TABLE destination")
    db.execute("ALTER TABLE release DROP COLUMN inputs")
    db.execute("DROP INDEX release_head")
    db.execute("ALTER TABLE release DROP COLUMN killed_at")
    for table in ("site", "witness"):
        db.execute(f"DROP TABLE {table}")
    db.execute("DROP INDEX delivery_suspect")
    for column in ("crashes", "asked"):
        db.execute(f"ALTER TABLE delivery DROP COLUMN {column}")
    db.execute(
        "INSERT INTO event (at, who, action, release_id, version, detail) VALUES (7, 'a', 'kill', 'three-piers', 1, '')"
    )
    db.execute("UPDATE schema_version SET version = 1")
    db.commit()
    _, [(release, rows)] = desk(root).status()
    assert len(rows) == 1
    assert release.killed_at is None  # it was scheduled anew after that kill
    assert db.execute("SELECT version FROM schema_version").fetchall() == [(steps.VERSION,)]
    assert {"host", "ahead"} <= {row[1] for row in db.execute("PRAGMA table_info(worker)")}
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"account", "person", "session", "api_token", "audit", "made"} <= tables
    assert "signature" in {row[1] for row in db.execute("PRAGMA table_info(delivery)")}
    indexes = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"delivery_ready", "delivery_next", "attempt_number"} <= indexes
    assert "delivery_waiting" not in indexes
    db.close()
    desk(root).status()  # the second time there is nothing to do


def test_a_backup_taken_while_it_is_open_is_restored(root: Path) -> None:
    """As docs/operating.md says."""
    desk(root).schedule(sites.release(root, FUTURE))
    path = root / "var" / "distributor.db"
    with desk(root).ledger() as ledger:
        assert ledger.counts()
        source, backup = sqlite3.connect(path), sqlite3.connect(root / "backup.db")
        source.backup(backup)  # what the command line's .backup does
        source.close()
        backup.close()
    desk(root).cancel("three-piers")
    for leftover in (root / "var").glob("distributor.db*"):
        leftover.unlink()
    (root / "backup.db").rename(path)
    _, [(_, [row])] = desk(root).status()
    assert row.state == "planned"
    assert desk(root).verify("three-piers")[1]


def test_a_glance_shows_what_the_ledger_says(root: Path) -> None:
    """`status` reads SQLite without SQLAlchemy; it must say the same."""
    config = root / "config" / "distributor.toml"
    config.write_text(config.read_text() + sites.box(root, "late", after="1h"))
    desk(root).schedule(sites.release(root, FUTURE))
    desk(root).hold("three-piers")
    with desk(root).ledger() as ledger:
        ledger.beat(Worker(name="a", pid=7, host="h", began_at=FUTURE, beat_at=FUTURE, ahead=timedelta(seconds=-3)))
        health, releases = desk(root).status()
        seen = glance.look(root / "var" / "distributor.db", health.now)
        assert seen is not None
        assert (seen.workers, seen.counts, seen.releases) == (ledger.workers(), health.counts, releases)
        assert seen.oldest_due == health.oldest_waiting
        assert seen.needs == health.needs == {}
        late = FUTURE + timedelta(hours=2)
        on_hold = {"three-piers": {Need.overdue_hold: 2}}
        later = glance.look(root / "var" / "distributor.db", late)
        assert later is not None
        assert later.needs == ledger.needs(late) == on_hold
    assert glance.VERSION == steps.VERSION
    assert glance.look(root / "nothing.db", FUTURE) is None
    (root / "text.db").write_text("no database" * 100)
    assert glance.look(root / "text.db", FUTURE) is None


def test_the_quick_queries_use_their_indexes(root: Path) -> None:
    """What runs at every turn must not read what is settled or far away."""
    desk(root).schedule(sites.release(root, FUTURE))
    db = sqlite3.connect(root / "var" / "distributor.db")
    waits = "delivery.state IN ('planned', 'retrying')"
    for query, index in (
        (f"SELECT min(due) FROM delivery WHERE {waits}", "delivery_next"),
        (
            f"SELECT id FROM delivery WHERE {waits} AND channel = 'b' AND priority = 2 AND due <= 9 ORDER BY due, id",
            "delivery_ready",
        ),
        ("SELECT id FROM delivery WHERE state = 'sending' AND worker = 'x'", "delivery_on_wire"),
    ):
        plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert index in plan
        assert "TEMP B-TREE" not in plan
    db.close()
