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
from distributor.store import open_ledger
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
    db = sqlite3.connect(root / "var" / "distributor.db")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_newer_schema_is_refused_and_not_touched(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    path = root / "var" / "distributor.db"
    with sqlite3.connect(path) as db:
        db.execute("UPDATE schema_version SET version = 99")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
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
    began = time.monotonic()
    with desk(root).ledger() as ledger:
        assert ledger.counts()
    assert time.monotonic() - began < 5
    db.execute("ROLLBACK")
    db.close()


def test_a_tampered_row_breaks_the_seal(root: Path) -> None:
    desk(root).schedule(sites.release(root, FUTURE))
    with sqlite3.connect(root / "var" / "distributor.db") as db:
        db.execute("UPDATE delivery SET digest = 'f00d'")
    db.close()
    _, holds, proofs = desk(root).verify("three-piers")
    assert not holds
    assert not proofs[0].holds


def test_a_ledger_that_is_not_there_is_not_made_by_looking(root: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been scheduled"):
        desk(root).status()
    with pytest.raises((ActionError, StoreError)):
        desk(root).cancel("three-piers")
    assert not (root / "var").exists()


def test_an_older_schema_is_brought_forward(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import Connection, text

    from distributor.store import schema

    desk(root).schedule(sites.release(root, FUTURE))

    def step(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE worker ADD COLUMN host VARCHAR"))

    monkeypatch.setattr(schema, "STEPS", (step,))
    monkeypatch.setattr(schema, "VERSION", 2)
    _, [(_, rows)] = desk(root).status()
    assert len(rows) == 1
    db = sqlite3.connect(root / "var" / "distributor.db")
    assert db.execute("SELECT version FROM schema_version").fetchall() == [(2,)]
    assert "host" in [row[1] for row in db.execute("PRAGMA table_info(worker)")]
    db.close()
    desk(root).status()  # the second time there is nothing to do
