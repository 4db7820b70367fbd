"""Whatever needs a person is told everywhere: status, /health, metrics, the desk's pages and its API."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from distributor.cli.main import main
from distributor.cli.metrics import Metrics
from distributor.health import Health
from distributor.lifecycle import NEEDS_PERSON, State
from distributor.store.attention import RETRIED_TOO_LONG, Need
from tests import sites
from tests.scheduled import LIFT
from tests.web import Office, csrf

#: States in which nobody has to do anything, whatever else is true.
CALM = {State.planned, State.sending, State.delivered, State.canceled}
#: States in which it depends on why, and for how long.
DEPENDS = {State.held, State.retrying}


def at_the_lift(office: Office) -> None:
    office.clock.set(LIFT)
    office.drain()


def until_stale(office: Office) -> None:
    at_the_lift(office)
    office.clock.step(timedelta(hours=7))
    office.drain()


def much_too_late(office: Office) -> None:
    office.clock.set(LIFT + timedelta(days=2))
    office.drain()


def held_by_the_service(office: Office) -> None:
    with office.desk.ledger() as ledger:
        [row] = ledger.deliveries("three-piers", 1)
        ledger.hold_back(row, now=office.clock.now(), why="too many refusals")


def held_too_long(office: Office) -> None:
    office.desk.hold("three-piers")
    office.clock.set(LIFT + timedelta(seconds=1))


def retried(office: Office) -> None:
    at_the_lift(office)
    office.clock.step(RETRIED_TOO_LONG + timedelta(seconds=1))


#: How a delivery gets there: the fault of its channel, and what happens then.
WAYS: dict[Need, tuple[str, Callable[[Office], None]]] = {
    Need.in_doubt: ("lost", at_the_lift),
    Need.refused: ("refused", at_the_lift),
    Need.failed: ("unavailable", until_stale),
    Need.missed: ("", much_too_late),
    Need.stopped: ("", held_by_the_service),
    Need.overdue_hold: ("", held_too_long),
    Need.retried_long: ("unavailable", retried),
}


def status(office: Office, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["--site", str(office.root), "status", *words], clock=office.clock)
    return int(ended.value.code or 0), capsys.readouterr().out


def answered(metrics: Metrics, path: str) -> tuple[int, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = metrics.serve(str(port))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    finally:
        server.shutdown()
        server.server_close()


def test_every_state_is_thought_of() -> None:
    assert CALM | DEPENDS | set(NEEDS_PERSON) == set(State)
    assert set(WAYS) == set(Need)


@pytest.mark.parametrize("need", list(Need))
def test_what_needs_a_person_is_told_everywhere(
    need: Need, tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, happens = WAYS[need]
    office = Office(tmp_path, blocks=sites.box(tmp_path, fault=fault))
    office.desk.schedule(office.release())
    happens(office)
    code, text = status(office, capsys)
    assert code == 1
    assert "trouble" in text
    code, text = status(office, capsys, "--json")
    found = json.loads(text)
    assert (code, found["ok"], found["needs_person"]) == (1, False, {"three-piers": {need: 1}})
    sentence = next(one for one in found["troubles"] if one.startswith("1 "))
    metrics = Metrics()
    metrics.tick(office.clock.now(), office.desk.health(), 0.0)
    code, text = answered(metrics, "/health")
    assert (code, json.loads(text)["ok"]) == (503, False)
    assert sentence in json.loads(text)["troubles"]
    assert "three-piers" not in text  # a monitor does not sign in: it learns of no release
    assert f'distributor_needs_person{{reason="{need}"}} 1.0' in answered(metrics, "/metrics")[1]
    board = office.browser("author").get("/board").text
    assert "Needs a person" in board
    assert 'href="/board/three-piers"' in board.partition("Needs a person")[2]
    assert "Somebody has to look at deliveries" in office.browser("author").get("/releases").text
    answer = office.program().get("/api/v1/status").json()
    assert (answer["ok"], sentence in answer["troubles"]) == (False, True)


def test_a_calm_site_has_no_trouble(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.desk.schedule(office.release())
    assert not office.desk.health().needs
    at_the_lift(office)
    assert office.desk.health().troubles() == []
    assert "Needs a person" not in office.browser("author").get("/board").text
    assert office.program().get("/api/v1/status").json()["ok"] is True


@pytest.mark.parametrize("need", [Need.in_doubt, Need.refused, Need.failed, Need.missed])
@pytest.mark.parametrize("by", ["cli", "desk", "api"])
def test_what_was_looked_at_is_closed(
    need: Need, by: str, tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text of the release is not sent; nobody has to look again; a second time there is nothing to close."""
    fault, happens = WAYS[need]
    office = Office(tmp_path, blocks=sites.box(tmp_path, fault=fault))
    office.desk.schedule(office.release())
    happens(office)
    if by == "cli":
        with pytest.raises(SystemExit) as ended:
            main(["--site", str(office.root), "settle", "three-piers", "--not-sent"], clock=office.clock)
        assert ended.value.code == 0
        assert capsys.readouterr().out == "box public/en: closed, not sent\n"
    elif by == "desk":
        browser = office.browser("approver")
        page = browser.get("/board/three-piers").text
        assert need is Need.in_doubt or "/board/three-piers/close" in page
        data = {"csrf": csrf(browser), "channel": "box", "recipient": "public/en", "version": "1"}
        assert browser.post("/board/three-piers/close", data=data).status_code == 303
    else:
        program = office.program("approver")
        answer = program.post("/api/v1/releases/three-piers/settle", json={"there": False, "close": True})
        assert answer.json()["deliveries"][0]["state"] == "canceled"
        again = program.post("/api/v1/releases/three-piers/settle", json={"there": False, "close": True})
        assert again.status_code >= 400
        assert "nothing of 'three-piers' that fits failed, was refused or missed, or is in doubt" in again.text
    well: Health = office.desk.health()
    assert (well.troubles(), well.counts) == ([], {State.canceled: 1})
    office.drain()
    assert sites.log(office.root) == []


def test_closing_concerns_only_what_is_named(tmp_path: Path) -> None:
    office = Office(tmp_path, blocks=sites.box(tmp_path, to=["a@x", "b@x"], fault="refused"))
    office.desk.schedule(office.release())
    at_the_lift(office)
    [closed] = office.desk.close("three-piers", recipient="b@x")
    assert closed.recipient == "b@x"
    assert office.desk.health().needs == {"three-piers": {Need.refused: 1}}
