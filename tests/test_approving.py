"""Four eyes: what one person prepared goes out only when another looked at exactly these bytes."""

import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from distributor import approving
from distributor.cli.main import main
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.site import Site
from distributor.store import approvals
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, NOW

BLOCKS = """
[policy]
four_eyes = true

[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["wan@post.example"]

[channels.rss]
type = "rss"
"""


@pytest.fixture
def root(tmp_path: Path, store: str) -> Path:
    return sites.make(tmp_path / "site", BLOCKS)


def desk(root: Path, who: str) -> Desk:
    return Desk(site=Site(root), clock=FakeClock(NOW), who=who)


def approve(root: Path, path: Path, who: str) -> approving.Standing:
    acting = desk(root, who)
    with acting.ledger(create=True) as ledger:
        return approving.approve(ledger, acting.preview(path), who=who, now=NOW)


def test_nobody_schedules_alone(root: Path) -> None:
    path = sites.release(root, LIFT)
    with pytest.raises(ActionError, match="nobody approved 'three-piers' yet"):
        desk(root, "ada").schedule(path)
    approve(root, path, "ada")
    with pytest.raises(ActionError, match="approved by ada alone"):
        desk(root, "ada").schedule(path)
    assert len(approve(root, path, "wan").valid) == 2
    assert len(approve(root, path, "wan").valid) == 2  # once more changes nothing
    assert not desk(root, "ada").schedule(path).already


def test_any_change_voids_it_and_is_named(root: Path) -> None:
    path = sites.release(root, LIFT)
    approve(root, path, "wan")
    path.write_text(path.read_text().replace("summary: Three piers", "summary: Four piers"))
    with pytest.raises(ActionError, match=r"changed since wan approved it on .*: (mail/en, )?rss/en"):
        desk(root, "ada").schedule(path)
    path.write_text(path.read_text().replace("summary: Four piers", "summary: Three piers"))
    desk(root, "ada").schedule(path)  # the very bytes that were approved


def test_another_time_voids_it_where_the_bytes_are_the_same(tmp_path: Path) -> None:
    blocks = "\n[policy]\nfour_eyes = true\n" + sites.box(tmp_path / "site") + sites.box(tmp_path / "site", "wall")
    root = sites.make(tmp_path / "site", blocks)
    path = sites.release(root, LIFT)
    approve(root, path, "wan")
    text = path.read_text()
    path.write_text(text.replace("summary:", "audiences: [{name: Late, channels: [wall], after: 1h}]\nsummary:", 1))
    with pytest.raises(ActionError, match=r"changed since wan approved it on .*: wall/en. Approve"):
        desk(root, "ada").schedule(path)
    path.write_text(text)
    desk(root, "ada").schedule(path)


def test_it_can_be_taken_back_and_moving_needs_it_anew(root: Path) -> None:
    path, acting = sites.release(root, LIFT), desk(root, "wan")
    approve(root, path, "wan")
    with acting.ledger() as ledger:
        assert approvals.revoke(ledger, "three-piers", 1, who="ada", now=NOW) == 0
        assert approvals.revoke(ledger, "three-piers", 1, who="wan", now=NOW) == 1
    with pytest.raises(ActionError, match="nobody approved"):
        desk(root, "ada").schedule(path)
    approve(root, path, "wan")
    desk(root, "ada").schedule(path)
    with pytest.raises(ActionError, match="changed since wan approved"):
        desk(root, "ada").reschedule("three-piers", LIFT.replace(hour=20))


def test_what_cannot_go_out_is_not_approved(root: Path) -> None:
    with pytest.raises(ActionError, match="no embargo"):
        approve(root, sites.release(root, None), "wan")
    sites.configure(root, BLOCKS.replace('["wan@post.example"]', "[]"))
    with pytest.raises(ActionError, match="1 error, the first: nobody to send to"):
        approve(root, sites.release(root, LIFT), "wan")


def test_the_command(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = sites.release(root, LIFT)
    for name in ("ada", "wan"):
        monkeypatch.setenv("LOGNAME", "somebody")  # anybody can say that
        monkeypatch.setattr(pwd, "getpwuid", lambda _uid, name=name: SimpleNamespace(pw_name=name))
        with pytest.raises(SystemExit) as ended:
            main(["--site", str(root), "approve", str(path)])
        assert ended.value.code == 0
    assert "three-piers version 1: approved by wan on" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["--site", str(root), "approve", str(path), "--revoke"])
    assert "1 of your approvals taken back" in capsys.readouterr().out


def test_what_happens_when_it_is_late_is_part_of_it(root: Path) -> None:
    path = sites.release(root, LIFT)
    approve(root, path, "wan")
    path.write_text(path.read_text().replace("summary:", "late: send\nsummary:", 1))
    with pytest.raises(ActionError, match=r"changed since wan approved it on .*: late\. Approve"):
        desk(root, "ada").schedule(path)


def test_what_was_looked_at_is_what_is_sealed(root: Path) -> None:
    path, ada = sites.release(root, LIFT), desk(root, "ada")
    seen = ada.preview(path).agreed
    path.write_text(path.read_text().replace("headline: Three", "headline: Four"))
    approve(root, path, "wan")
    with pytest.raises(ActionError, match="other bytes or times than the ones that were looked at"):
        ada.schedule(path, agreed=seen)
    with pytest.raises(ActionError, match="other bytes or times"):
        desk(root, "wan").approve(ada.preview(path), agreed=seen)
    ada.schedule(path, agreed=ada.preview(path).agreed)


def test_how_late_the_site_sends_is_part_of_it(root: Path) -> None:
    path = sites.release(root, LIFT)
    approve(root, path, "wan")
    config = root / "config" / "distributor.toml"
    config.write_text(config.read_text().replace("four_eyes = true", 'four_eyes = true\ncatch_up_within = "40h"'))
    with pytest.raises(ActionError, match=r"changed since wan approved it on .*: late\. Approve"):
        desk(root, "ada").schedule(path)
