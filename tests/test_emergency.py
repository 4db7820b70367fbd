"""The emergency brake needs no config, and what waits for a channel that is gone is told."""

import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests import sites
from tests.scheduled import LIFT
from tests.test_cli import Cli

GOOD = "[policy]\nfour_eyes = false\n"


def blocks(root: Path) -> str:
    return GOOD + sites.box(root, to=["a@x"]) + sites.box(root, "wall")


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    root = tmp_path / "site"
    made = Cli(sites.make(root, blocks(root)), capsys)
    assert made("schedule", str(sites.release(root, LIFT)))[0] == 0
    return made


def config(root: Path) -> Path:
    return root / "config" / "distributor.toml"


def not_toml(root: Path) -> None:
    config(root).write_text(blocks(root) + "[channels.new\n")


def unknown_key(root: Path) -> None:
    config(root).write_text(blocks(root).replace("four_eyes", "four_eys"))


def gone(root: Path) -> None:
    config(root).unlink()


def folder_gone(root: Path) -> None:
    shutil.rmtree(root / "config")


def a_folder(root: Path) -> None:
    config(root).unlink()
    config(root).mkdir()


def not_text(root: Path) -> None:
    config(root).write_bytes(b"\xff\xfe\x00x")


def store_by_a_broken_reference(root: Path) -> None:
    config(root).write_text(f'[places]\nstore = {{ environment = "X" }}\n{blocks(root)}')


def a_secret_in_the_open(root: Path) -> None:
    block = (
        '[channels.mail]\ntype = "email"\nsender = "P <p@a.example>"\nsmtp = "smtp://a@b.example"\npassword = "open"\n'
    )
    config(root).write_text(blocks(root) + block)


def channel_file_broken(root: Path) -> None:
    (root / "channels" / "box.py").write_text("def broken(:\n")


def channel_type_gone(root: Path) -> None:
    (root / "channels" / "box.py").unlink()


BREAKAGES = [
    not_toml,
    unknown_key,
    gone,
    folder_gone,
    a_folder,
    not_text,
    store_by_a_broken_reference,
    a_secret_in_the_open,
    channel_file_broken,
    channel_type_gone,
]


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda one: one.__name__)
def test_the_brake_works_whatever_the_config_is_like(cli: Cli, broken) -> None:  # type: ignore[no-untyped-def]
    broken(cli.root)
    code, out, err = cli("status")
    assert code == 1
    assert "three-piers" in out
    assert "trouble" in out
    code, out, err = cli("hold", "three-piers")
    assert (code, out) == (0, "three-piers version 1: 2 deliveries held\n")
    if broken not in (a_secret_in_the_open, channel_file_broken, channel_type_gone):
        assert "the config cannot be read" in err
        assert "last-good-config.json" in err
    assert cli("resume", "three-piers")[:2] == (0, "three-piers version 1: 2 deliveries planned again\n")
    assert json.loads(cli("status", "--json")[1])["ok"] is False
    assert cli("cancel", "three-piers")[:2] == (0, "three-piers version 1: 2 deliveries canceled\n")
    code, out, _ = cli("kill", "three-piers", "--yes")
    assert (code, "is killed" in out) == (0, True)


def test_the_reason_names_file_and_line(cli: Cli) -> None:
    not_toml(cli.root)
    line = len(config(cli.root).read_text().splitlines())
    assert f"distributor.toml:{line}: is not TOML" in cli("status")[1]
    unknown_key(cli.root)
    assert "distributor.toml:2: [policy] four_eys" in cli("status")[1]


def test_a_state_folder_elsewhere_is_found_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, state = tmp_path / "site", tmp_path / "state"
    places = f'[places]\nstate = "{state}"\nstore = "sqlite:///{state}/ledger.db"\n'
    cli = Cli(sites.make(root, places + blocks(root)), capsys)
    assert cli("schedule", str(sites.release(root, LIFT)))[0] == 0
    config(root).write_text(places + "[broken\n")
    code, out, err = cli("hold", "three-piers")
    assert (code, out) == (0, "three-piers version 1: 2 deliveries held\n")
    assert str(state / "last-good-config.json") in err
    config(root).write_text("[broken\n")  # nothing leads there any more
    code, out, err = cli("resume", "three-piers")
    assert code == 2
    assert "--store" in err
    for store in (f"sqlite:///{state}/ledger.db", str(state / "ledger.db")):
        assert cli("resume", "three-piers", "--store", store)[0] == 0
        assert cli("status", "--store", store)[0] == 1
    assert cli("kill", "three-piers", "--yes", "--store", str(state / "ledger.db"))[0] == 0


def test_a_ledger_of_an_earlier_version_is_found_without_a_remembered_config(cli: Cli) -> None:
    (cli.root / "var" / "last-good-config.json").unlink()
    not_toml(cli.root)
    code, _, err = cli("cancel", "three-piers")
    assert code == 0
    assert "used the ledger var/distributor.db" in err


def test_a_store_by_a_reference_that_leads_nowhere_says_the_way_out(cli: Cli) -> None:
    config(cli.root).write_text('[places]\nstore = { env = "NOT_SET_HERE" }\n' + blocks(cli.root))
    code, _, err = cli("hold", "three-piers")
    assert code == 2
    assert "NOT_SET_HERE" in err
    assert "--store" in err
    assert cli("hold", "three-piers", "--store", str(cli.root / "var" / "distributor.db"))[0] == 0


def test_a_kill_takes_back_what_a_broken_channel_could_once_it_is_back(cli: Cli) -> None:
    with sqlite3.connect(cli.root / "var" / "distributor.db") as db:
        db.execute("UPDATE destination SET deletes = 1 WHERE channel = 'wall'")
        db.execute("UPDATE delivery SET state = 'delivered', attempts = 1, sent_at = due")
    db.close()
    cli.clock.set(LIFT + timedelta(hours=1))
    channel_file_broken(cli.root)
    code, out, _ = cli("kill", "three-piers", "--yes")
    assert code == 0
    assert "wall: 1 taken back once the channel is in the config again" in out
    assert "box: 1 cannot be taken back" in out
    assert cli("status")[0] == 1


# ── a channel that is renamed or removed ──────────────────────────────────────────────────────────────────────────────


def test_what_waits_for_a_channel_that_is_gone_is_told_at_once(cli: Cli) -> None:
    config(cli.root).write_text(blocks(cli.root).replace("[channels.box]", "[channels.bax]"))
    for command in ("status", "doctor"):
        code, out, _ = cli(command)
        assert code == 1
        assert "the channel 'box' of 'three-piers' version 1" in out.replace("\n", " ")
    found = json.loads(cli("status", "--json")[1])
    assert any("'box'" in trouble for trouble in found["troubles"])
    assert any("'box'" in one.get("trouble", "") for one in json.loads(cli("doctor", "--json")[1]))
    assert cli("cancel", "three-piers")[0] == 0
    assert "'box'" not in cli("status")[1].partition("three-piers")[0]


def test_verify_works_without_the_channel(cli: Cli) -> None:
    with sqlite3.connect(cli.root / "var" / "distributor.db") as db:
        db.execute("UPDATE delivery SET state = 'delivered', attempts = 1, sent_at = due")
    db.close()
    config(cli.root).write_text(sites.box(cli.root, "wall"))
    for _ in range(2):
        code, out, _ = cli("verify", "three-piers")
        assert code == 0
        assert "the seal holds" in out
        (cli.root / "var" / "last-good-config.json").unlink(missing_ok=True)
    with sqlite3.connect(cli.root / "var" / "distributor.db") as db:
        db.execute("UPDATE artefact SET data = CAST('Four piers' AS BLOB)")
    db.close()
    assert cli("verify", "three-piers")[0] == 2


def test_doctor_says_where_a_channel_leads_elsewhere(cli: Cli) -> None:
    config(cli.root).write_text(blocks(cli.root).replace("wall.log", "other.log"))
    code, out, _ = cli("doctor")
    assert code == 1
    assert "wall.log → other.log" in out.replace("\n", " ")
    cli.clock.step(timedelta(hours=2))
