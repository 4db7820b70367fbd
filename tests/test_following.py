"""A running service follows its config; one that does not read leaves the last good one in force."""

import contextlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor import health
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.desk.following import Following
from distributor.errors import StoreError
from distributor.site import Site
from distributor.store import open_ledger
from tests import sites
from tests.test_outbox import Process, spawn

FUTURE = datetime.now(UTC) + timedelta(days=400)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "site"


def settled(root: Path) -> None:
    """What was just written is older than a writer may take."""
    old = time.time() - 60
    for path in (root / "config" / "distributor.toml", *(root / "channels").glob("*.py")):
        os.utime(path, (old, old))


def desk(root: Path) -> Desk:
    return Desk(site=Site(root), clock=SystemClock())


def look(following: Following, monkeypatch: pytest.MonkeyPatch) -> Desk | None:
    """A look a second later: files go by the host's clock."""
    later = time.time_ns() + 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: later)
    found = following.look()
    monkeypatch.undo()
    assert found is None or isinstance(found, Desk)
    return found


def test_a_changed_config_is_in_force_at_the_next_look(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.make(root, sites.box(root))
    following = Following(desk=desk(root))
    following.desk.channels  # noqa: B018  read at the start
    assert look(following, monkeypatch) is None
    sites.configure(root, sites.box(root) + sites.box(root, "new"))
    assert following.look() is None  # whoever writes it may not be done
    fresh = look(following, monkeypatch)
    assert fresh
    assert list(fresh.channels) == ["box", "new"]
    (root / "config" / "distributor.toml").touch()
    assert look(following, monkeypatch) is None  # the same content


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("[channels.box\n", "distributor.toml:1: is not TOML"),
        (
            '[policy]\nfour_eys = true\n[channels.box]\ntype = "box"\nlog = "x"\n',
            "distributor.toml:2: [policy] four_eys",
        ),
        ('[channels.box]\ntype = "bax"\n', "there is no channel type 'bax'"),
        ('[places]\nstore = { env = "NOT_SET_HERE" }\n', "NOT_SET_HERE"),
        ('[places]\nstore = "sqlite:///other.db"\n', "stop the service and start it again"),
        ('[places]\nstate = "elsewhere"\n', "stop the service and start it again"),
        (None, "is missing"),
    ],
)
def test_what_does_not_read_leaves_the_last_good_one(
    root: Path, broken: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = sites.box(root)
    sites.make(root, good)
    path = root / "config" / "distributor.toml"
    following = Following(desk=desk(root))
    following.desk.channels  # noqa: B018  read at the start
    path.write_text(broken) if broken is not None else path.unlink()
    assert look(following, monkeypatch) is None
    assert said in following.trouble
    path.write_text(good)
    assert look(following, monkeypatch) is None
    assert following.trouble == ""


def test_a_changed_channel_file_of_the_site_is_followed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.make(root, sites.box(root))
    path, source = root / "channels" / "box.py", sites.BOX
    following = Following(desk=desk(root))
    assert following.desk.channels["box"].TYPE == "box"
    path.write_text("def broken(:\n")
    assert look(following, monkeypatch) is None
    assert "box.py" in following.trouble
    path.write_text(source.replace('TYPE: ClassVar[str] = "box"', 'TYPE: ClassVar[str] = "bix"'))
    fresh = look(following, monkeypatch)
    assert fresh
    assert fresh.channels["box"].TYPE == "bix"


# ── the real process ──────────────────────────────────────────────────────────────────────────────────────────────────


def until(said: Callable[[], bool], process: Process, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not said():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def troubles(root: Path) -> str:
    """As a ledger that needs no config tells them."""
    with (
        contextlib.suppress(StoreError),
        contextlib.closing(open_ledger(f"sqlite:///{root}/var/distributor.db", create=False)) as ledger,
    ):
        return "\n".join(health.look(ledger, datetime.now(UTC)).troubles(named=True))
    return "busy"


def place(root: Path, log: str) -> str:
    return sites.box(root, "box").replace("box.log", log)


def test_a_running_service_follows_and_says_what_it_does_not(root: Path) -> None:
    """One process through a whole life: another place, a broken config, and the agreement of a person."""
    sites.make(root, place(root, "one.log"))
    desk(root).schedule(sites.release(root, FUTURE))
    path = root / "config" / "distributor.toml"
    with spawn(root, "run") as process:
        until(lambda: not troubles(root), process)
        path.write_text(place(root, "two.log"))
        until(lambda: "one.log → two.log" in troubles(root), process)
        path.write_text("[channels.box\n")
        until(lambda: "distributor.toml:1: is not TOML" in troubles(root), process)
        path.write_text(place(root, "two.log"))
        until(lambda: "TOML" not in troubles(root), process)
        [done] = desk(root).confirm("three-piers", "box")
        assert done.done
        until(lambda: not troubles(root), process)
        now = sites.release(root, None, "now")
        desk(root).schedule(now, datetime.now(UTC) + timedelta(seconds=0.2))
        until(lambda: bool(sites.log(root, "two")), process)
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert "the config changed and is in force: box" in output
    assert "the last good one stays in force" in output
