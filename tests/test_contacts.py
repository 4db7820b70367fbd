"""Press lists: read, refused line by line, counted into an audience; and who must not be written to."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor import presslist
from distributor.contract import Channel, Kit
from distributor.errors import ActionError
from distributor.lifecycle import State
from distributor.presslist import Member, Suppressions
from distributor.release import Release
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, Scheduled
from tests.servers.smtp import SmtpSink
from tests.test_cli import NOW, Cli

LIST = """\
Email;Name;Outlet;Lang;Tags;Tier
newsdesk@harbour.example;Harbour Daily;Harbour Daily;en;transport, city;prebrief
Editor@Port.example;"Ferry & Port; Review";;;transport;
desk@xn--bcher-kva.example;;;;;
desk@bücher.example;twice;;;;
EDITOR@port.example;capitals;;;;
no address;;;;;
a@b.example;;;klingonisch!;;
c@d.example;;;;;secret
"a@b>
RCPT TO:<x@y.example";;;;;

nachricht@zeitung.example;海港新聞;;zh-hant;wirtschaft;
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "press.csv"
    file.write_text(LIST, encoding="utf-8-sig")
    return file


def test_a_list_is_read_and_every_line_is_accounted_for(listed: Path) -> None:
    found = presslist.read(listed)
    assert [one.address for one in found.members] == [
        "newsdesk@harbour.example", "Editor@port.example", "desk@xn--bcher-kva.example", "nachricht@zeitung.example",
    ]  # fmt: skip
    assert found.members[0] == Member(
        address="newsdesk@harbour.example", name="Harbour Daily", outlet="Harbour Daily", language="en",
        tags="city transport", tier="prebrief",
    )  # fmt: skip
    assert found.members[1].name == "Ferry & Port; Review"
    assert found.members[3].language == "zh-Hant"
    assert [one.line for one in found.duplicates] == [5, 6]
    assert [one.line for one in found.refused] == [7, 8, 9, 11]
    assert "not an e-mail address" in found.refused[0].why
    assert "language tag" in found.refused[1].why
    assert "tier" in found.refused[2].why
    assert found.lines == 10


def test_a_list_in_toml(tmp_path: Path) -> None:
    file = tmp_path / "press.toml"
    file.write_text(
        '[[members]]\naddress = "Wan <a@b.example>"\ntags = ["x", "y"]\n\n[[members]]\naddress = "nobody"\n'
    )
    found = presslist.read(file)
    assert (found.members[0].name, found.members[0].tags) == ("Wan", "x y")
    assert [one.line for one in found.refused] == [5]


@pytest.mark.parametrize(
    ("content", "why"), [(b"name\nWan\n", "no column 'address'"), (b"\xff\xfe", "UTF-8"), (b"", "no column")]
)
def test_a_file_that_is_no_list(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "press.csv").write_bytes(content)
    with pytest.raises(ActionError, match=why):
        presslist.read(tmp_path / "press.csv")
    for name in ("../etc/passwd", "a/b", "", "Ä"):
        with pytest.raises(ActionError, match="no name for a list"):
            presslist.path(tmp_path, name)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{1,8}", fullmatch=True), NAMES, NAMES), max_size=8, unique_by=lambda r: r[0]
    )
)
def test_what_is_written_is_read_again(rows: list[tuple[str, str, str]]) -> None:
    import tempfile

    members = [presslist.member({"address": f"{a}@x.example", "name": n, "outlet": o}) for a, n, o in rows]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "press.csv"
        presslist.write(file, members)
        found = presslist.read(file)
    assert list(found.members) == members
    assert found.refused == found.duplicates == ()


def test_an_audience_is_counted(
    make_channel: Callable[..., Channel], places: object, sample: Release, kit: Kit, tmp_path: Path, listed: Path
) -> None:
    from dataclasses import replace

    from distributor.settings import Places

    assert isinstance(places, Places)
    here = replace(places, contacts=tmp_path)

    def channel(**more: object) -> Channel:
        made = make_channel("email", to=["Own <own@x.example>", "newsdesk@harbour.example"], lists=["press"], **more)
        return replace(made, places=here)

    Suppressions(tmp_path / "suppressed.csv").add(
        "editor@PORT.example", "unsubscribed", now=datetime(2030, 1, 2, tzinfo=UTC)
    )
    (message,) = channel().render(sample, kit)
    assert [one.address for one in message.recipients] == [
        "own@x.example", "newsdesk@harbour.example", "desk@xn--bcher-kva.example",
    ]  # fmt: skip
    assert message.meta["audience"] == ("12 listed − 3 duplicates − 1 suppressed − 4 invalid − 1 others = 3 to send")
    assert "audience" in [finding.code for finding in channel().check(message)]
    (message,) = channel(tags=["City"]).render(sample, kit)
    assert "desk@xn--bcher-kva.example" not in [one.address for one in message.recipients]
    (message,) = channel(languages=["zh-Hant"]).render(sample, kit)
    assert "nachricht@zeitung.example" in [one.address for one in message.recipients]
    (message,) = channel(tier="prebrief", after="-1h").render(sample, kit)
    assert [one.address for one in message.recipients] == ["own@x.example", "newsdesk@harbour.example"]


def test_who_leaves_after_sealing_gets_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with SmtpSink() as sink:
            block = f'[channels.email]\ntype = "email"\nsender = "a@x.example"\ntls = "none"\nlists = ["press"]\nsmtp = "smtp://127.0.0.1:{sink.port}"\n'
            root = tmp_path / "site"
            (root / "contacts").mkdir(parents=True)
            (root / "contacts" / "press.csv").write_text("address\nstays@x.example\nleaves@x.example\n")
            site = Scheduled(root, block)
            Suppressions(root / "contacts" / "suppressed.csv").add("LEAVES@x.example", "unsubscribed", now=LIFT)
            site.clock.set(LIFT)
            await asyncio.to_thread(site.drain)
            states = {row.recipient: (row.state, row.reason or "") for row in site.rows()}
            assert states["stays@x.example"][0] is State.delivered
            assert states["leaves@x.example"][0] is State.refused
            assert "unsubscribed on 2030-03-01" in states["leaves@x.example"][1]
            assert [taken.rcpt for taken in sink.taken] == ["RCPT TO:<stays@x.example>"]

    asyncio.run(work())


def test_suppressions_are_seen_by_another_process_at_once(tmp_path: Path) -> None:
    one, two = (Suppressions(tmp_path / "suppressed.csv") for _ in range(2))
    assert one.why("a@x.example") is None
    assert two.add("A@x.example", "bounced", now=NOW, detail="550 5.1.1 no such")
    assert one.why("a@X.example") == f"bounced on {NOW:%Y-%m-%d}"
    assert not two.add("a@x.example", "asked", now=NOW)
    assert two.remove("a@x.example")
    assert not two.remove("a@x.example")
    assert one.why("a@x.example") is None


def test_a_long_mail_out_does_not_read_its_own_lines_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = list[Suppressions](), Suppressions._rows

    def counted(self: Suppressions) -> list[tuple[str, ...]]:
        read.append(self)
        return real(self)

    monkeypatch.setattr(Suppressions, "_rows", counted)
    one = Suppressions(tmp_path / "suppressed.csv")
    for number in range(20):
        assert one.add(f"a{number}@x.example", "bounced", now=NOW)
    assert len(read) <= 1
    with one.file.open("a") as file:  # a person, in an editor
        file.write("b@x.example,asked,2030-01-01,\n")
    assert one.add("c@x.example", "bounced", now=NOW)
    assert len(one.all()) == 22
    assert one.all() == Suppressions(one.file).all()


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    root = sites.make(tmp_path / "site", sites.box(tmp_path / "site"))
    made = Cli(root, capsys)
    made.clock = FakeClock(NOW)
    return made


def test_the_commands(cli: Cli, listed: Path) -> None:
    code, out, _ = cli("contacts", "import", "press", str(listed))
    assert code == 1
    assert out.startswith("10 lines: 4 added, 0 known before, 2 twice in the file, 4 refused; press has 4 members")
    assert "line 7: no address" in out
    assert cli("contacts", "import", "press", str(listed))[1].startswith("10 lines: 0 added, 4 known before")
    assert "added" in cli("contacts", "add", "press", "Wan <wan@x.example>", "--tags", "City City")[1]
    assert "changed" in cli("contacts", "add", "press", "WAN@x.example", "--outlet", "Post")[1]
    assert "suppressed" in cli("contacts", "suppress", "wan@x.example")[1]
    assert "already" in cli("contacts", "suppress", "wan@x.example")[1]
    _, out, _ = cli("contacts", "list", "press", "--json")
    assert '"suppressed": "asked on' in out
    assert "nachricht@" in cli("contacts", "list", "press")[1]
    assert "press.csv" in cli("contacts", "list")[1]
    assert cli("contacts", "suppress", "wan@x.example", "--undo")[0] == 0
    assert cli("contacts", "suppress", "wan@x.example", "--undo")[0] == 2
    assert "4 members" in cli("contacts", "remove", "press", "wan@x.example")[1]
    code, _, err = cli("contacts", "remove", "press", "wan@x.example")
    assert (code, "is not on press" in err) == (2, True)
    assert cli("contacts", "add", "press", "a@b>\r\nRCPT TO:<x@y.example>")[0] == 2
    assert "there is no list 'nobody' (known: press)" in cli("contacts", "list", "nobody")[2]


def test_a_missing_list_stops_the_preview(cli: Cli) -> None:
    config = cli.root / "config" / "distributor.toml"
    config.write_text('[channels.email]\ntype = "email"\nsender = "a@x.example"\nlists = ["pres"]\n')
    path = sites.release(cli.root, LIFT + timedelta(days=900))
    code, _, err = cli("preview", str(path))
    assert code == 2
    assert "pres.csv is missing" in err
    assert "[channels.email]" in err


def test_a_test_mail_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "site"
    block = '[channels.email]\ntype = "email"\nsender = "a@x.example"\nto = ["Wan <wan@x.example>", "=cmd@x.example"]\n'
    site = Scheduled(root, block)
    cli = Cli(root, capsys)
    cli.clock = site.clock
    code, out, _ = cli("send-test", str(root / "piers.md"), "--to", "Me <me@x.example>")
    (sent,) = (root / "outbox" / "email" / "new").iterdir()
    assert (code, f"not sent, for it names no server; {sent.stat().st_size:,} bytes" in out) == (0, True)
    assert out.endswith(f" are in outbox/email/new/{sent.name}\n")
    assert b"To: Me <me@x.example>" in sent.read_bytes()
    assert [row.state for row in site.rows()] == [State.planned] * 2
    cli.clock.step(timedelta(seconds=1))
    assert cli("send-test", str(root / "piers.md"), "--to", "b@x.example")[0] == 0
    assert len(list(sent.parent.iterdir())) == 2  # the first is still there
    assert cli("send-test", str(root / "piers.md"), "--to", "nobody")[0] == 2
    site.clock.set(LIFT)
    site.drain()
    code, out, _ = cli("report", "three-piers")
    assert code == 0
    assert out.startswith(
        "version,kind,channel,recipient,name,state,planned_for,sent_at,late_ms,attempts,id,url,reason,remarks\n"
    )
    assert "1,release,email,wan@x.example,Wan,delivered,2030-03-01T13:00:00+00:00" in out
    assert "'=cmd@x.example" in out  # no formula in a spreadsheet
    assert cli("report", "three-piers", "--state", "failed")[1].count("\n") == 1
    assert cli("report", "nobody")[0] == 2
