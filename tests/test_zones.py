"""Zones that mean the host are refused; a zone whose rules changed after sealing is told with both readings."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from distributor import instants
from distributor.embargo import EmbargoError, parse, spell, zone_names
from distributor.errors import ActionError
from distributor.importing import draft
from distributor.web import moments
from tests import sites
from tests.scheduled import NOW
from tests.test_cli import Cli
from tests.test_early import database
from tests.web import Office, csrf

HOST = [
    "localtime",
    "Factory",
    "posixrules",
    "posix/Europe/London",
    "right/Europe/London",
    "SystemV/EST5",
    "LOCALTIME",
    "factory",
    "Etc/Unknown",
]
LIFT = datetime(2030, 3, 5, 9, tzinfo=UTC)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(sites.make(tmp_path / "site", sites.box(tmp_path / "site")), capsys)


@pytest.mark.parametrize("zone", HOST)
def test_a_zone_that_means_the_host_is_refused(cli: Cli, zone: str) -> None:
    with pytest.raises(EmbargoError, match="another clock on every machine"):
        parse(f"2031-03-05 09:00 {zone}")
    with pytest.raises(ActionError, match="another clock"):
        instants.zoned(f"2031-03-05 09:00 {zone}", NOW)
    assert zone not in zone_names()
    assert zone not in moments.zones()
    path = sites.release(cli.root, None, **{"embargoed_until: ": f"embargoed_until: 2031-03-05 09:00 {zone}"})
    code, _, err = cli("check", str(path))
    assert (code, ":3: embargoed_until: " in err, "another clock" in err) == (2, True, True)
    shown = sites.release(cli.root, LIFT, **{"summary:": f"display_zones: [{zone}]\nsummary:"})
    code, _, err = cli("check", str(shown))
    assert (code, "display_zones" in err) == (2, True)
    assert cli("schedule", str(sites.release(cli.root, None)), "--at", f"2031-03-05 09:00 {zone}")[0] == 2
    assert (
        "\nembargoed_until"
        not in draft(f"EMBARGO: 5 March 2031, 09:00 {zone}\n\nPiers reopen\n\nText.").markdown.split("---")[1]
    )


def test_the_desk_takes_no_such_zone(tmp_path: Path) -> None:
    office = Office(tmp_path / "press")
    office.release()
    browser = office.browser("approver")
    form = {"csrf": csrf(browser), "wall": "2031-03-05T09:00", "zone": "localtime"}
    assert "another clock" in browser.post("/r/piers/schedule", data=form).text
    answer = office.program("approver").post(
        "/api/v1/releases/three-piers/schedule", json={"at": "2031-03-05 09:00 Factory"}
    )
    assert (answer.status_code, "another clock" in answer.text) == (422, True)


def test_what_an_earlier_version_sealed_in_such_a_zone_is_still_shown() -> None:
    assert spell(LIFT, "localtime").startswith("Tue 5 Mar 2030 09:00 UTC")


def reseal(root: Path, old: str, new: str) -> None:
    """The snapshot as it was sealed under other rules of the zone: the same instant, another wall time."""
    with database(root) as connection:
        connection.execute(
            text("UPDATE release SET snapshot = replace(snapshot, :old, :new)"), {"old": old, "new": new}
        )


@pytest.mark.parametrize(
    ("wall", "now", "needs"),
    [("10:00:00+01:00", "10:00 UTC now", False), ("08:00:00-01:00", "08:00 UTC now", True)],
)
def test_rules_that_changed_are_told_with_both_readings(cli: Cli, wall: str, now: str, *, needs: bool) -> None:
    path = sites.release(cli.root, None, **{"embargoed_until: ": "embargoed_until: 2030-03-05 09:00 Europe/London"})
    cli("schedule", str(path))
    before = json.loads(cli("status", "--json")[1])["releases"][0]["deliveries"]
    reseal(cli.root, "2030-03-05 09:00:00+00:00 Europe/London", f"2030-03-05 {wall} Europe/London")
    code, out, _ = cli("status")
    told = " ".join(out.split())
    assert code == 1
    assert "the rules of Europe/London changed since it was sealed" in told
    assert f"was 09:00 UTC and is {now}" in " ".join(told.split())
    assert ("--break-embargo" in told) == needs
    found = json.loads(cli("status", "--json")[1])
    assert found["releases"][0]["deliveries"] == before  # the sealed instant stands
    assert any("rules of Europe/London" in one for one in found["troubles"])
    # A person decides: the sealed instant, as the clock reads it now.
    assert cli("reschedule", "three-piers", "--at", "2030-03-05 09:00 Europe/London")[0] == 0
    assert "rules of" not in cli("status")[1]


def test_the_time_on_the_clock_can_be_kept(cli: Cli) -> None:
    path = sites.release(cli.root, None, **{"embargoed_until: ": "embargoed_until: 2030-03-05 09:00 Europe/London"})
    cli("schedule", str(path))
    reseal(cli.root, "2030-03-05 09:00:00+00:00 Europe/London", "2030-03-05 08:00:00-01:00 Europe/London")
    keep = ("reschedule", "three-piers", "--at", "2030-03-05 08:00 Europe/London")
    code, _, err = cli(*keep)
    assert (code, "1 hour EARLIER" in err) == (2, True)
    assert cli(*keep, "--break-embargo", "the zone's rules changed")[0] == 0
    assert json.loads(cli("status", "--json")[1])["releases"][0]["lift"].startswith("2030-03-05T08:00")


def test_desk_and_service_tell_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office(tmp_path / "press")
    path = sites.release(
        office.root / "releases", None, **{"embargoed_until: ": "embargoed_until: 2030-03-05 09:00 Europe/London"}
    )
    office.desk.schedule(path)
    reseal(office.root, "2030-03-05 09:00:00+00:00 Europe/London", "2030-03-05 10:00:00+01:00 Europe/London")
    browser = office.browser("approver")
    for page in ("/board", "/board/three-piers"):
        assert "the rules of Europe/London changed" in browser.get(page).text, page
    program = Cli(office.root, capsys)
    program.clock.set(NOW + timedelta(minutes=1))
    assert any("rules" in one for one in office.desk.health().troubles(named=True))
    assert all("three-piers" not in one for one in office.desk.health().troubles())
