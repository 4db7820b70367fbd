"""Trying again what did not arrive: only that, at once, and never what was overtaken or withdrawn."""

from datetime import timedelta
from pathlib import Path

import pytest

from distributor.cli.main import main
from distributor.errors import ActionError
from distributor.lifecycle import State
from tests import sites
from tests.scheduled import LIFT, Scheduled, box


def made(folder: Path, fault: str, **keys: object) -> Scheduled:
    return Scheduled(folder, box(folder, to=["a@x", "b@x"], fault=fault, **keys) + sites.box(folder, "wall"))


def heal(site: Scheduled) -> None:
    sites.configure(site.root, box(site.root, to=["a@x", "b@x"]) + sites.box(site.root, "wall"))
    for read in ("channels", "settings"):
        vars(site.desk).pop(read, None)


@pytest.mark.parametrize(("fault", "state"), [("refused", State.refused), ("unavailable", State.retrying)])
def test_what_did_not_arrive_goes_at_once(tmp_path: Path, store: str, fault: str, state: State) -> None:
    site = made(tmp_path, fault)
    with pytest.raises(ActionError, match="nothing of 'three-piers' that fits failed"):
        site.desk.retry("three-piers")
    site.clock.set(LIFT)
    site.drain()
    assert site.states()["box a@x"] == state
    heal(site)
    assert site.desk.retry("three-piers", recipient="b@x") == {"box": 1}
    site.drain()
    assert (site.states()["box a@x"], site.states()["box b@x"]) == (state, State.delivered)
    assert site.desk.retry("three-piers", channel="box") == {"box": 1}
    site.drain()
    assert set(site.states().values()) == {State.delivered}
    for who in ("a@x", "b@x"):
        assert [address for _, address, _ in sites.log(site.root)].count(who) == 1
    with pytest.raises(ActionError, match="nothing of"):
        site.desk.retry("three-piers")


def test_what_was_missed_goes_though_it_is_late(tmp_path: Path, store: str) -> None:
    site = made(tmp_path, "")
    site.clock.set(LIFT + timedelta(days=2))
    site.drain()
    assert set(site.states().values()) == {State.missed}
    assert site.desk.retry("three-piers", channel="wall") == {"wall": 1}
    site.drain()
    assert (site.states()["wall public/en"], site.states()["box a@x"]) == (State.delivered, State.missed)


def test_what_is_on_hold_or_withdrawn_stays(tmp_path: Path, store: str) -> None:
    site = made(tmp_path, "refused")
    site.clock.set(LIFT)
    site.drain()
    site.desk.hold("three-piers")
    with pytest.raises(ActionError, match="is on hold: resume it"):
        site.desk.retry("three-piers")
    site.desk.resume("three-piers")
    site.desk.kill("three-piers")
    with pytest.raises(ActionError, match="was withdrawn"):
        site.desk.retry("three-piers")
    assert site.states()["box a@x"] == State.refused
    with pytest.raises(ActionError, match="did you mean 'three-piers'"):
        site.desk.retry("three-pears")


def test_what_a_newer_version_overtook_stays(tmp_path: Path, store: str) -> None:
    site = made(tmp_path, "refused")
    site.clock.set(LIFT)
    site.drain()
    heal(site)
    newer = sites.release(site.root, LIFT + timedelta(hours=1), "newer")
    text = newer.read_text().replace("id: newer", "id: three-piers\nversion: 2")
    newer.write_text(
        text.replace("summary:", "corrects: {version: 1, class: A, text: The hour was wrong.}\nsummary:", 1)
    )
    site.desk.schedule(newer)
    site.clock.step(timedelta(hours=1))
    site.drain()
    with pytest.raises(ActionError, match="a newer version is there"):
        site.desk.retry("three-piers")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = made(tmp_path, "refused")
    site.clock.set(LIFT)
    site.drain()
    with pytest.raises(SystemExit) as ended:
        main(["--site", str(site.root), "retry", "three-piers", "--channel", "box"], clock=site.clock)
    assert ended.value.code == 0
    assert capsys.readouterr().out == "box: 2 go out again\n"
