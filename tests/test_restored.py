"""A ledger that was put back from a backup, deleted, emptied, swapped or shared by two sites is noticed and said."""

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.cli.main import main
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.errors import ActionError, StoreError
from distributor.health import Health
from distributor.outbox import Outbox
from distributor.site import Site
from distributor.store import Ledger
from distributor.witness import Seen, Witness
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, Scheduled
from tests.test_outbox import spawn


class Watched(Scheduled):
    """A site whose service looks at what its state folder knows."""

    def outbox(self, ledger: Ledger) -> Outbox:
        made = super().outbox(ledger)
        made.witness, made.seen = self.desk.witness, self.desk.witness.read()
        return made

    def health(self) -> Health:
        return self.desk.status()[0]

    def db(self) -> Path:
        return self.root / "var" / "distributor.db"


def blocks(root: Path) -> str:
    """A list and a feed-like channel that always publishes."""
    return sites.box(root, to=["a@x", "b@x"]) + sites.box(root, "feed", idempotency="A", always=True)


def copied(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite file that is in use."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as two:
        one.backup(two)
    one.close()
    two.close()


def put_back(site: Watched, backup: Path) -> None:
    for leftover in site.db().parent.glob("distributor.db*"):
        leftover.unlink()
    shutil.copy(backup, site.db())


@pytest.fixture
def site(tmp_path: Path) -> Watched:
    """Everything went out after the backup was taken."""
    made = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    copied(made.db(), tmp_path / "backup.db")
    made.clock.set(LIFT)
    made.drain()
    assert len(sites.log(made.root)) == 2
    put_back(made, tmp_path / "backup.db")
    made.clock.step(timedelta(minutes=5))
    made.drain()
    return made


def test_what_was_due_since_the_backup_is_held_and_said(site: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(sites.log(site.root)) == 2
    assert len(sites.log(site.root, "feed")) == 1
    assert set(site.states().values()) == {"held"}
    assert any(
        "restored from a backup" in trouble and "3 deliveries" in trouble for trouble in site.health().troubles()
    )
    with pytest.raises(SystemExit, match="1"):
        main(["--site", str(site.root), "status"], clock=site.clock)
    assert "restored" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="1"):
        main(["--site", str(site.root), "restored"], clock=site.clock)
    assert "3 deliveries that were due since are held" in capsys.readouterr().out


def test_a_person_looked_and_it_is_out(site: Watched) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--site", str(site.root), "restored", "--there"], clock=site.clock)
    site.drain()
    assert set(site.states().values()) == {"delivered"}
    assert len(sites.log(site.root)) == 2
    assert site.health().restored is None
    assert site.desk.verify("three-piers")[1]
    with pytest.raises(ActionError, match="was not restored"):
        site.desk.settle_restored(there=True)


def test_a_person_looked_and_it_is_not_out(site: Watched) -> None:
    assert site.desk.settle_restored(there=False) == 3
    site.drain()
    assert set(site.states().values()) == {"delivered"}
    assert len(sites.log(site.root)) == 4


def test_what_a_person_lets_go_by_itself_goes_at_once(site: Watched) -> None:
    site.desk.resume("three-piers")
    site.drain()
    assert len(sites.log(site.root)) == 4
    assert site.desk.restored()


def test_what_comes_due_before_anybody_looked_is_held_too_and_what_is_new_goes(tmp_path: Path) -> None:
    """What was planned at the backup may have been called off since."""
    root = tmp_path / "site"
    site = Watched(root, blocks(root) + sites.box(root, "later", after="1h"))
    copied(site.db(), tmp_path / "backup.db")
    site.clock.set(LIFT)
    site.drain()
    put_back(site, tmp_path / "backup.db")
    site.drain()
    site.clock.step(timedelta(seconds=1))
    site.desk.schedule(sites.release(root, site.clock.now() + timedelta(minutes=30), "news"))
    for _ in range(2):
        site.clock.step(timedelta(minutes=30))
        site.drain()
    _, releases = site.desk.status()
    states = {one.id: {str(row.state) for row in rows} for one, rows in releases}
    assert states == {"three-piers": {"held"}, "news": {"delivered", "planned"}}


def test_a_whole_state_folder_that_was_put_back_is_noticed(tmp_path: Path) -> None:
    """The second copy of the counter lies outside the site."""
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    shutil.copytree(site.root, tmp_path / "backup")
    site.clock.set(LIFT)
    site.drain()
    shutil.rmtree(site.root)
    shutil.copytree(tmp_path / "backup", site.root)
    site.drain()
    assert set(site.states().values()) == {"held"}
    assert sites.log(site.root) == []


def test_a_crash_between_the_commit_and_the_counter_is_no_false_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    site.clock.set(LIFT)
    with monkeypatch.context() as patched:
        patched.setattr(Witness, "raise_to", lambda _self, _seen: None)
        site.drain()
    site.desk.schedule(sites.release(site.root, LIFT + timedelta(minutes=1), "news"))
    site.clock.step(timedelta(minutes=1))
    site.drain()
    _, releases = site.desk.status()
    assert {str(row.state) for _, rows in releases for row in rows} == {"delivered"}
    known = site.desk.witness.read()
    assert known
    assert known.batches >= 2


def test_a_counter_that_cannot_be_written_stops_nothing_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, said = Watched(tmp_path / "site", blocks(tmp_path / "site")), list[Exception]()

    def read_only(_self: Witness, _seen: Seen) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Witness, "raise_to", read_only)
    made = site.outbox

    def outbox(ledger: Ledger) -> Outbox:
        found = made(ledger)
        found.trouble = said.append
        return found

    monkeypatch.setattr(site, "outbox", outbox)
    site.clock.set(LIFT)
    site.drain()
    assert set(site.states().values()) == {"delivered"}
    assert "a restored ledger would not be noticed" in str(said[0])


def test_the_counter_is_raised_before_anything_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    seen, real = list[int](), Witness.raise_to

    def raised(self: Witness, known: Seen) -> None:
        seen.append(len(sites.log(site.root, word="begin")))
        real(self, known)

    monkeypatch.setattr(Witness, "raise_to", raised)
    site.clock.set(LIFT)
    site.drain()
    assert seen[0] == 0


def test_on_postgresql_too(tmp_path: Path, store: str) -> None:
    """The database is put back under a machine that has sent."""
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    site.clock.set(LIFT - timedelta(minutes=1))
    known = site.desk.witness.read()
    assert known
    site.desk.witness.raise_to(Seen(site=known.site, folder=known.folder, batches=known.batches + 3))
    site.clock.set(LIFT)
    site.drain()
    assert set(site.states().values()) == {"held"}
    site.desk.settle_restored(there=False)
    site.drain()
    assert set(site.states().values()) == {"delivered"}


# ── gone, empty, foreign, shared ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["deleted", "empty"])
def test_a_ledger_that_is_gone_is_not_made_anew(tmp_path: Path, what: str) -> None:
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    for file in site.db().parent.glob("distributor.db*"):
        file.unlink()
    if what == "empty":
        site.db().touch()
    for act in (
        site.desk.status,
        lambda: site.desk.schedule(site.root / "piers.md"),
        lambda: site.desk.hold("three-piers"),
    ):
        with pytest.raises(StoreError, match=r"is (gone|empty), and this site has had one"):
            act()
    assert not site.db().exists() or not site.db().stat().st_size
    with pytest.raises(SystemExit, match="2"):
        main(["--site", str(site.root), "run", "--until-idle"])
    site.desk.witness.file.unlink()  # as it says: to begin anew
    assert not site.desk.schedule(site.root / "piers.md").already


def test_a_new_ledger_in_its_place_is_refused(tmp_path: Path) -> None:
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    Watched(tmp_path / "other", blocks(tmp_path / "other"))
    shutil.copy(tmp_path / "other" / "var" / "distributor.db", site.db())
    for leftover in site.db().parent.glob("distributor.db-*"):
        leftover.unlink()
    with pytest.raises(StoreError, match="belongs to another site"):
        site.desk.status()
    with pytest.raises(SystemExit, match="2"):
        main(["--site", str(site.root), "status"])


def test_an_empty_database_in_its_place_is_refused(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    with site.desk.ledger() as ledger, ledger.writing() as connection:
        for table in ("delivery", "destination", "message", "release", "site", "witness"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    for _ in range(2):
        with pytest.raises(StoreError, match="is empty, and this site has had one"):
            site.desk.schedule(site.root / "piers.md")


def test_two_sites_on_one_store_are_refused(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if store == "sqlite":
        monkeypatch.setattr(sites, "store", f"sqlite:///{tmp_path}/shared.db")
    Watched(tmp_path / "one", blocks(tmp_path / "one"))
    root = sites.make(tmp_path / "two", blocks(tmp_path / "two"))
    two = Desk(site=Site(root), clock=FakeClock(LIFT - timedelta(hours=1)))
    with pytest.raises(StoreError, match="two sites cannot share one"):
        two.schedule(sites.release(root, LIFT))
    assert str(tmp_path / "one" / "var") in _message(two, root)


def _message(desk: Desk, root: Path) -> str:
    with pytest.raises(StoreError) as caught:
        desk.schedule(root / "piers.md")
    return str(caught.value)


def test_a_copy_of_a_site_sends_nothing_before_somebody_looked(tmp_path: Path) -> None:
    """The original sends the same. It is not held up by what the copy does."""
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    shutil.copytree(site.root, tmp_path / "copy")
    other = Desk(site=Site(tmp_path / "copy"), clock=site.clock)
    other.schedule(sites.release(tmp_path / "copy", LIFT, "news"))
    assert other.restored()
    assert site.desk.restored() is None
    known = other.witness.read()
    assert known
    other.witness.raise_to(Seen(site=known.site, folder=known.folder, batches=99))
    site.clock.set(LIFT)
    site.drain()
    assert set(site.states().values()) == {"delivered"}


def test_a_site_that_is_moved_is_the_same_site(tmp_path: Path) -> None:
    site = Watched(tmp_path / "site", blocks(tmp_path / "site"))
    site.root.rename(tmp_path / "moved")
    moved = Desk(site=Site(tmp_path / "moved"), clock=site.clock)
    moved.hold("three-piers")
    assert not moved.schedule(sites.release(tmp_path / "moved", LIFT, "news")).already
    assert moved.restored() is None


def test_a_ledger_that_vanishes_under_the_service_stops_it(tmp_path: Path) -> None:
    root = tmp_path / "site"
    sites.make(root, sites.box(root))
    desk = Desk(site=Site(root), clock=SystemClock())
    desk.schedule(sites.release(root, datetime.now(UTC) + timedelta(hours=1)))
    file = root / "var" / "distributor.db"
    with spawn(root, "run") as process:
        assert process.stdout
        for line in process.stdout:
            if "running on" in line:
                break
        file.rename(tmp_path / "elsewhere.db")
        rest = process.stdout.read()
        assert process.wait(30) == 2
    assert "was deleted or replaced while the service ran" in rest
    assert not file.exists()


def test_one_process_writes_to_a_file_whatever_the_state_folder(tmp_path: Path) -> None:
    """Two state folders of one site, one SQLite file."""
    store = f'[places]\nstore = "sqlite:///{tmp_path}/shared.db"\n'
    root = tmp_path / "site"
    sites.make(root, store + sites.box(root))
    desk = Desk(site=Site(root), clock=SystemClock())
    desk.schedule(sites.release(root, datetime.now(UTC) + timedelta(hours=1)))
    shutil.copytree(root, tmp_path / "copy")
    with spawn(root, "run") as process:
        assert process.stdout
        for line in process.stdout:
            if "running on" in line:
                break
        with pytest.raises(SystemExit, match="2"):
            main(["--site", str(tmp_path / "copy"), "run", "--until-idle"])
        process.terminate()
        process.communicate(timeout=30)
