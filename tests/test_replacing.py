"""A release that is edited after it was scheduled: told everywhere, and replaced in one action."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.site import BUILT_IN, Site
from tests import sites
from tests.scheduled import LIFT
from tests.test_cli import Cli

ID = "harbour-line-opening"
OLD = "OLD TEXT"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The sample, scheduled on the channels that show most of it."""
    root = tmp_path / "site"
    shutil.copytree(BUILT_IN / "config", root / "config")
    shutil.copytree(BUILT_IN / "config" / "sample", root / "releases")
    (root / "templates").mkdir()
    cli = Cli(root, capsys)
    code, _, err = cli("schedule", file(root), "--channels", "newsroom,rss,email")
    assert code == 0, err
    return cli


def file(root: Path) -> str:
    return str(root / "releases" / "harbour-line.md")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def headline(root: Path) -> None:
    edit(Path(file(root)), "opens all-electric Harbour Line", "opens the Harbour Line")


def translation(root: Path) -> None:
    edit(root / "releases" / "harbour-line.zh-Hant.md", "潮汐渡輪今日宣布", "潮汐渡輪宣布")


def translation_gone(root: Path) -> None:
    (root / "releases" / "harbour-line.zh-Hant.md").unlink()


def photo(root: Path) -> None:
    from PIL import Image

    path = next(path for path in (root / "releases").iterdir() if path.suffix in (".jpg", ".png"))
    Image.new("RGB", (1200, 800), "navy").save(path)


def house_fact(root: Path) -> None:
    path = root / "config" / "distributor.toml"
    text = path.read_text()
    found = re.search(r"\[house\.boilerplates\.[\w-]+\]\nen = \"+\s*(\w+ \w+)", text)
    assert found
    path.write_text(text.replace(found[1], f"The {found[1]}", 1))


def template(root: Path) -> None:
    own = root / "templates" / "newsroom"
    shutil.copytree(BUILT_IN / "templates" / "newsroom", own)
    [page] = [one for one in own.glob("*.html") if "</body>" in one.read_text()]
    edit(page, "</body>", "<p>new</p></body>")


def embargo(root: Path) -> None:
    text = Path(file(root)).read_text()
    Path(file(root)).write_text(re.sub(r"(embargoed_until: \d+-\d+-)0?5", r"\g<1>06", text))


EDITS = [headline, translation, translation_gone, photo, house_fact, template, embargo]


@pytest.mark.parametrize("change", EDITS, ids=lambda one: one.__name__)
def test_every_kind_of_edit_is_told_and_replaced(cli: Cli, change: Callable[[Path], None]) -> None:
    for command in (("check", file(cli.root)), ("preview", file(cli.root)), ("status",)):
        assert OLD not in cli(*command)[1]
    change(cli.root)
    code, out, _ = cli("check", file(cli.root))
    assert (code, OLD in out) == (1, True)
    assert OLD in cli("preview", file(cli.root))[1]
    code, out, _ = cli("status")
    assert (code, OLD in out) == (1, True)
    found = json.loads(cli("status", "--json")[1])
    assert [one for one in found["troubles"] if f"distributor replace {ID}" in one]
    seal = json.loads(cli("preview", file(cli.root), "--json", "--channel", "rss")[1])["seal"]
    code, out, err = cli("replace", ID)
    assert code == 0, err
    assert seal
    assert OLD not in cli("status")[1]
    assert OLD not in cli("preview", file(cli.root))[1]
    assert cli("replace", ID)[0] == 2  # nothing differs any more
    names = {row["channel"] for row in json.loads(cli("status", "--json")[1])["releases"][0]["deliveries"]}
    assert names == {"newsroom", "rss", "email"}  # as it was scheduled
    assert cli("verify", ID)[0] == 0


def test_what_changes_no_byte_is_no_edit(cli: Cli) -> None:
    Path(file(cli.root)).touch()
    edit(cli.root / "config" / "distributor.toml", "[policy]", "# a comment\n[policy]")
    (cli.root / "templates" / "other.txt").write_text("nothing uses it")
    assert OLD not in cli("status")[1]
    assert OLD not in cli("check", file(cli.root))[1]


def test_a_file_that_cannot_be_read_any_more_is_told(cli: Cli) -> None:
    edit(Path(file(cli.root)), "headline:", "hedline:")
    code, out, _ = cli("status")
    assert code == 1
    assert "its file cannot be read now" in out.replace("\n", " ")


def test_a_release_that_was_moved_is_not_called_edited(cli: Cli) -> None:
    assert cli("reschedule", ID, "--at", "2030-03-06 09:00 Asia/Hong_Kong")[0] == 0
    assert OLD not in cli("check", file(cli.root))[1]
    headline(cli.root)
    assert OLD in cli("status")[1]
    assert cli("replace", ID)[0] == 0
    found = json.loads(cli("status", "--json")[1])["releases"][0]
    assert found["lift"].startswith("2030-03-06T01:00")  # the time that it was moved to
    assert OLD not in cli("status")[1]


def test_what_is_on_hold_stays_on_hold(cli: Cli) -> None:
    cli("hold", ID)
    headline(cli.root)
    assert cli("replace", ID)[0] == 0
    states = {row["state"] for row in json.loads(cli("status", "--json")[1])["releases"][0]["deliveries"]}
    assert states == {"held"}


def test_four_eyes_see_the_new_text_first(cli: Cli) -> None:
    edit(cli.root / "config" / "distributor.toml", "[policy]", "[policy]\nfour_eyes = true")
    headline(cli.root)
    code, _, err = cli("replace", ID)
    assert code == 2
    assert "nobody approved" in err
    other = Desk(site=Site(cli.root), clock=cli.clock, who="somebody else")
    other.approve(other.replacement(ID))
    assert cli("replace", ID)[0] == 0


def test_an_error_in_the_new_text_leaves_the_old_one(cli: Cli) -> None:
    edit(Path(file(cli.root)), "opens all-electric", "opens TBC")
    before = cli("status", "--json")[1]
    assert cli("replace", ID)[0] == 2
    assert cli("status", "--json")[1] == before


def test_another_release_is_not_put_in_its_place(cli: Cli) -> None:
    other = sites.release(cli.root, LIFT)
    code, _, err = cli("replace", ID, "--file", str(other))
    assert (code, "is 'three-piers' version 1" in err) == (2, True)
    assert cli("replace", "nothing")[0] == 2


def test_once_something_left_it_is_a_correction(tmp_path: Path) -> None:
    root = sites.make(
        tmp_path / "site", sites.box(tmp_path / "site") + sites.box(tmp_path / "site", "later", after="9h")
    )
    desk = Desk(site=Site(root), clock=SystemClock())
    path = sites.release(root, None)
    desk.schedule(path, datetime.now(UTC) + timedelta(seconds=0.3))
    import time

    from tests.scheduled import drain, outbox

    time.sleep(0.4)
    drain(desk, lambda ledger: outbox(desk, ledger, SystemClock(), []))  # type: ignore[arg-type]
    edit(path, "Three piers reopen\n", "Four piers reopen\n")
    with pytest.raises(Exception, match="issue version 2"):
        desk.replace("three-piers")
    [old] = desk.old_texts()
    assert old.left
    assert "issue version 2 with 'corrects:'" in old.sentence


KILLED = """
import os, sys
from distributor.store import destinations, ledger, queries
from distributor.cli.main import main
where = sys.argv[1]
die = lambda *_args, **_more: os.kill(os.getpid(), 9)
if where == "emptied":
    queries.add_messages = die
if where == "sealed":
    destinations.add = die
if where == "planned":
    queries.log = die
main(sys.argv[2:])
"""


@pytest.mark.parametrize("where", ["emptied", "sealed", "planned"])
def test_a_crash_half_way_leaves_the_old_version_whole(tmp_path: Path, where: str) -> None:
    root = sites.make(tmp_path / "site", sites.box(tmp_path / "site", to=["a@x", "b@x"]))
    desk = Desk(site=Site(root), clock=SystemClock())
    path = sites.release(root, datetime.now(UTC) + timedelta(days=30))
    desk.schedule(path)
    before = [(row.recipient, row.digest, row.state) for row in desk.status()[1][0][1]]
    edit(path, "headline: Three piers reopen", "headline: Four piers reopen")
    command = [sys.executable, "-c", KILLED, where, "--site", str(root), "replace", "three-piers"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ}, timeout=100)
    assert done.returncode == -signal.SIGKILL, done.stderr
    release, rows = desk.status()[1][0]
    assert [(row.recipient, row.digest, row.state) for row in rows] == before
    assert desk.verify("three-piers")[1]
    assert [one.release_id for one in desk.old_texts()] == [release.id]
    desk.replace("three-piers")
    assert desk.old_texts() == []
    assert [row.digest for row in desk.status()[1][0][1]] != [digest for _, digest, _ in before]


def test_a_text_that_lost_its_embargo_is_not_put_in_its_place(cli: Cli) -> None:
    """The next move would find no embargo to keep: out years early without a word of it."""
    edit(Path(file(cli.root)), "embargoed_until: 2030-03-05 09:00 Asia/Hong_Kong\n", "")
    code, _, err = cli("replace", ID)
    assert code == 2
    assert "is under embargo until Tue 5 Mar 2030 09:00 HKT" in err
    assert "embargoed_until: 2030-03-05 09:00 Asia/Hong_Kong back" in err
    code, _, err = cli("reschedule", ID, "--at", "+1h")
    assert (code, "EARLIER" in err) == (2, True)


@pytest.mark.parametrize("channels", ["mastodon", "mastodon,rss", "newsroom,mastodon", "email"])
def test_a_release_on_some_channels_is_compared_on_those(cli: Cli, channels: str) -> None:
    """Its posts link to the newsroom's page, which other channels of the site make."""
    copy = cli.root / "releases" / "sister.md"
    copy.write_text(Path(file(cli.root)).read_text().replace(ID, "sister"))
    shutil.copy(cli.root / "releases" / "harbour-line.zh-Hant.md", cli.root / "releases" / "sister.zh-Hant.md")
    assert cli("schedule", str(copy), "--channels", channels)[0] == 0
    config = cli.root / "config" / "distributor.toml"
    config.write_text(config.read_text() + "# a comment\n")
    _, out, _ = cli("status", "sister")
    assert OLD not in out
    code, _, err = cli("replace", "sister")
    assert (code, "the scheduled version is what the file says" in err) == (2, True)


def test_a_channel_that_is_gone_makes_no_old_text(cli: Cli) -> None:
    edit(cli.root / "config" / "distributor.toml", "[channels.email]", "[channels.mail]")
    code, out, _ = cli("status")
    assert code == 1
    assert "which is not in the config any more" in out
    assert OLD not in out
