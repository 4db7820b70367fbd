"""What comes back: judged, matched with a delivery, and nobody suppressed whom nobody may name."""

import contextlib
import json
import mailbox
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from distributor.bounces import Kind, read
from distributor.bounces.codes import judge
from distributor.bounces.sources import BEGINNING, LONGEST, cut
from distributor.desk import Desk
from distributor.presslist import Suppressions
from distributor.site import Site
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, NOW, Scheduled
from tests.servers.imap import ImapSink
from tests.test_cli import Cli

CORPUS = Path(__file__).parent / "bounces"
WAN = "wan@post.example"
#: A channel whose bounce addresses are `bounce+KEY@press.example`, and whose deliveries have Message-IDs.
LETTERS = sites.BOX.replace(
    "    def _line(self",
    """\
    def returned(self, address: str) -> str | None:
        if address == "bug@press.example":
            raise ValueError("a bug in the plug-in")
        name, _, key = address.partition("@")[0].partition("+")
        return key if name == "bounce" and address.endswith("@press.example") else None

    def _line(self""",
).replace('id=f"{self.name}/{key}"', 'id=f"<{key}@harbour.example>"')


def eml(name: str) -> bytes:
    return (CORPUS / f"{name}.eml").read_bytes()


VERDICTS = {
    "postfix-unknown": (Kind.hard, WAN, "5.1.1"),
    "exim-report": (Kind.hard, WAN, "5.1.1"),  # Exim calls everything 5.0.0; the text knows more
    "exim": (Kind.hard, WAN, ""),
    "qmail": (Kind.hard, WAN, "5.1.1"),
    "full-given-up": (Kind.soft, WAN, "4.2.2"),
    "full": (Kind.soft, WAN, "5.2.2"),
    "policy": (Kind.soft, WAN, "5.7.1"),
    "no-route": (Kind.soft, WAN, "5.4.4"),
    "postfix-delayed": (Kind.other, WAN, "4.4.1"),
    "holiday": (Kind.other, "", ""),
    "holiday-unsubscribe": (Kind.other, "", ""),
    "complaint": (Kind.complaint, WAN, ""),
    "praise": (Kind.other, "", ""),
    "unsubscribe": (Kind.unsubscribe, "Eve@review.example", ""),
    "unsubscribe-re": (Kind.other, "", ""),
    "human": (Kind.other, "", ""),
    "forwarded-by-a-person": (Kind.other, "", ""),
}


@pytest.mark.parametrize("name", VERDICTS)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_verdicts(name: str, ends: bytes) -> None:
    kind, address, code = VERDICTS[name]
    found = read(eml(name).replace(b"\n", ends))
    assert (found.kind, "".join(found.addresses), found.code) == (kind, address, code)
    assert found.automatic == (name not in ("human", "unsubscribe", "unsubscribe-re", "forwarded-by-a-person"))
    assert len(found.text) <= 200
    assert found.text.isprintable()


def test_policy_is_named_as_such() -> None:
    assert "policy, not the address" in read(eml("policy")).text
    assert read(eml("postfix-delayed")).text.startswith("delayed")


@pytest.mark.parametrize(
    ("status", "diagnostic", "gone"),
    [
        ("5.1.1", "", True),
        ("5.1.2", "", True),
        ("5.1.10", "null MX", True),
        ("5.2.1", "mailbox disabled", True),
        ("5.2.1", "is receiving mail at a rate that prevents more", False),
        ("5.1.7", "bad sender", False),
        ("5.1.8", "sender's domain is not known", False),
        ("5.7.1", "550 5.1.1 user unknown", False),  # a code that says something stands
        ("5.0.0", "smtp; 550 5.1.1 nobody", True),
        ("5.0.0", "smtp; 550 5.7.26 unauthenticated", False),
        ("5.5.0", "550 5.5.0 mailbox unavailable", True),
        ("5.0.0", "550 mailbox unavailable: refused for policy reasons", False),
        ("5.0.0", "554 the message was not liked", False),
        ("", "550 No such user here", True),
        ("", "451 no such user, ask later", False),
        ("", "connect to 5.1.1.9: refused", False),  # an address of a host, no code
        ("", "", False),
        ("4.7.1", "no such user", False),
        ("2.0.0", "no such user", False),
    ],
)
def test_only_what_says_it_of_the_address_is_hard(status: str, diagnostic: str, gone: bool) -> None:
    assert judge(status, diagnostic)[0] is gone


def test_of_several_recipients_those_count_that_are_gone() -> None:
    more = b"Final-Recipient: rfc822; boss@post.example\nAction: failed\nStatus: 4.2.2\n\nFinal-Recipient: rfc822; wan@"
    found = read(eml("postfix-unknown").replace(b"Final-Recipient: rfc822; wan@", more))
    assert (found.kind, found.addresses) == (Kind.hard, (WAN,))


def test_a_report_in_utf_8() -> None:
    """RFC 6533: another type, and an address that is no ASCII."""
    raw = eml("postfix-unknown").replace(b"message/delivery-status", b"message/global-delivery-status")
    raw = raw.replace(b"rfc822; wan@", "utf-8; wän@".encode()).replace(b"rfc822;wan@", "utf-8; wän@".encode())
    assert read(raw).kind is Kind.hard


def test_without_flufl_a_bounce_of_another_form_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flufl.bounce", None)
    found = read(eml("qmail"))
    assert (found.kind, "press-distributor[bounces]" in found.text) == (Kind.other, True)
    assert read(eml("postfix-unknown")).kind is Kind.hard


@given(st.binary(max_size=2000) | st.sampled_from(sorted(VERDICTS)).flatmap(lambda name: _damaged(eml(name))))
@example(b"\0" * 5000)
@example(b"Content-Type: message/rfc822\n\n" * 3000)
@example(b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 3000)
@example(b"Content-Type: multipart/mixed; Boundary=a\n\n--a\n" * 400)
@example(b"Subject: =?utf-8?b?////?=\nFrom: \xff\xfe@\xff\nTo: =?x?q?=ff?= <a@b\n\n\xff")
def test_reading_never_raises(raw: bytes) -> None:
    found = read(raw)
    for text in (found.text, found.code, found.message_id, *found.addresses, *found.sent_to):
        assert text.isprintable()


def _damaged(raw: bytes) -> st.SearchStrategy[bytes]:
    spot = st.integers(0, len(raw) - 1)
    return st.builds(lambda at, junk, skip: raw[:at] + junk + raw[at + skip :], spot, st.binary(max_size=40), spot)


@pytest.mark.parametrize(
    "filler", [b"a" * 2_000_000, b"a\n" * 1_000_000, b"your message\n" * 150_000, b"<" * 2_000_000]
)
@pytest.mark.parametrize("name", ["qmail", "postfix-unknown"])
def test_a_mail_of_two_megabytes_takes_no_time(name: str, filler: bytes) -> None:
    began = time.process_time()
    found = read(eml(name) + filler)
    assert found.kind is Kind.hard
    assert read(b"From: MAILER-DAEMON@x.example\n\n" + filler).kind is Kind.other
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "raw",
    [
        b'Content-Type: multipart/report; x="' + b'\\";' * 900_000,
        b"Content-Type: multipart/report; " + b"a=b; " * 900_000,
        b"To: " + b"(" * 5_000_000,
        b"Content-Type: multipart/report; boundary=a\n\n--a\nContent-Type: message/delivery-status\n\n"
        + b"A:\n\n" * 900_000,
        b"From: MAILER-DAEMON@x.example\n\nfailed addresses follow:\n" + (b"a" * 998 + b"\n") * 4000,
    ],
    ids=["quotes", "parameters", "brackets", "groups", "lines"],
)
def test_a_mail_made_to_keep_a_parser_busy(raw: bytes) -> None:
    began = time.process_time()
    assert read(raw).kind is Kind.other
    assert time.process_time() - began < 5


def test_a_longer_one_is_cut() -> None:
    assert len(cut(b"a" * (LONGEST + 1))) == BEGINNING
    assert len(cut(b"a" * LONGEST)) == LONGEST


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Office:
    """A site that has sent one release to three people, and a Maildir for what comes back."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = sites.make(folder / "site", "")
        (self.root / "channels" / "box.py").write_text(LETTERS)
        people = [WAN, "eve@review.example", "boss@post.example"]
        sites.configure(self.root, sites.box(self.root, to=people))
        self.cli = Cli(self.root, capsys)
        self.cli.clock = FakeClock(NOW)
        assert self.cli("schedule", str(sites.release(self.root, LIFT)))[0] == 0
        self.cli.clock.set(LIFT)
        self.send()
        self.box = folder / "back"
        for name in ("new", "cur", "tmp"):
            (self.box / name).mkdir(parents=True)

    def send(self) -> None:
        site = Scheduled.__new__(Scheduled)  # without making a site of its own
        site.root, site.clock, site.events = self.root, self.cli.clock, []
        site.desk = Desk(site=Site(self.root), clock=self.cli.clock)
        assert site.drain() == 3
        self.keys = {row.recipient: row.key for row in site.rows()}

    def mail(self, name: str, recipient: str = WAN) -> bytes:
        return eml(name).replace(b"KEY", self.keys[recipient].encode())

    def back(self, *names: str) -> None:
        for name in names:
            (self.box / "new" / f"{len(self.left()):03}.{name}").write_bytes(self.mail(name))

    def left(self) -> list[str]:
        return sorted(path.name for path in (self.box / "new").iterdir())

    def run(self, *more: str) -> str:
        code, out, err = self.cli("bounces", str(self.box), *more)
        assert (code, err) == (0, "")
        return out

    def suppressed(self) -> dict[str, str]:
        return Suppressions(self.root / "contacts" / "suppressed.csv").all()

    def history(self) -> list[tuple[str, str]]:
        query = "SELECT action, detail FROM event WHERE who = 'bounces' ORDER BY id"
        with contextlib.closing(sqlite3.connect(self.root / "var" / "distributor.db")) as database:
            return [(action, detail.rpartition(" [")[0]) for action, detail in database.execute(query)]


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path, capsys)


def test_who_is_gone_is_written_to_no_more(office: Office) -> None:
    office.back("postfix-unknown")
    out = office.run()
    assert out.splitlines()[0].startswith(f"hard  {WAN}  three-piers v1  5.1.1  smtp; 550 5.1.1 ")
    assert out.splitlines()[-1] == "1 mail: 1 hard (1 suppressed)"
    assert office.suppressed() == {WAN: "bounced on 2030-03-01"}
    ((action, detail),) = office.history()
    assert (action, detail.startswith(f"box {WAN}: 5.1.1 smtp; 550")) == ("bounce", True)
    assert office.left() == []
    assert [path.name for path in (office.box / "cur").iterdir()] == ["000.postfix-unknown:2,S"]
    assert office.run() == "0 mails\n"


@pytest.mark.parametrize("name", ["exim", "qmail", "exim-report", "by-message-id"])
def test_every_hard_form(office: Office, name: str) -> None:
    office.back(name)
    assert "1 hard (1 suppressed)" in office.run()
    assert list(office.suppressed()) == [WAN]


@pytest.mark.parametrize("name", ["full", "full-given-up", "policy", "no-route"])
def test_soft_ones_are_noted_and_suppress_nobody(office: Office, name: str) -> None:
    office.back(name)
    assert office.run().endswith("1 mail: 1 soft\n")
    assert office.suppressed() == {}
    assert [action for action, _ in office.history()] == ["bounce"]


def test_automatic_answers_and_people_change_nothing(office: Office) -> None:
    office.back("postfix-delayed", "holiday", "holiday-unsubscribe", "praise", "human", "forwarded-by-a-person")
    assert office.run().endswith("6 mails: 4 automatic answers, 2 others\n")
    assert (office.suppressed(), office.history(), office.left()) == ({}, [], [])


def test_a_complaint(office: Office) -> None:
    office.back("complaint")
    assert office.run().endswith("1 mail: 1 complaint (1 suppressed)\n")
    assert office.suppressed() == {WAN: "complained on 2030-03-01"}
    assert office.history() == [("complaint", f"box {WAN}: no code abuse")]


def test_who_asks_to_leave(office: Office) -> None:
    office.back("unsubscribe")
    assert office.run().endswith("1 mail: 1 unsubscribed (1 suppressed)\n")
    assert office.suppressed() == {"eve@review.example": "unsubscribed on 2030-03-01"}
    office.back("unsubscribe")
    assert office.run().endswith("1 mail: 1 unsubscribed (0 suppressed)\n")


def test_a_forged_bounce_suppresses_nobody(office: Office) -> None:
    office.back("forged", "complaint-about-another")
    # Eve has her own mail and gives back its Message-ID, but names another.
    (office.box / "new" / "9").write_bytes(office.mail("by-message-id", "eve@review.example"))
    (office.box / "new" / "8").write_bytes(eml("postfix-unknown"))  # a bounce address of nobody's
    out = office.run()
    assert out.endswith("4 mails: 4 unknown\n")
    assert f"unknown  {WAN}  -  5.1.1" in out
    assert (office.suppressed(), office.history(), office.left()) == ({}, [], [])


def test_what_comes_back_to_a_delivery_is_about_its_recipient(office: Office) -> None:
    """Wan's mail was forwarded to an address that we never wrote to: it is Wan whom our mails do not reach."""
    raw = (
        office.mail("postfix-unknown")
        .replace(b"rfc822; wan@post", b"rfc822; w@home")
        .replace(b"rfc822;wan@post", b"rfc822;w@home")
    )
    (office.box / "new" / "1").write_bytes(raw)
    office.run()
    assert list(office.suppressed()) == [WAN]


def test_the_same_mail_twice_is_noted_once(office: Office, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "back.mbox")
    for name in ("postfix-unknown", "postfix-unknown", "full", "holiday"):
        box.add(office.mail(name))
    box.close()
    before = (tmp_path / "back.mbox").read_bytes()
    for suppressed in (1, 0):
        out = office.cli("bounces", str(tmp_path / "back.mbox"))[1]
        assert out.endswith(f"4 mails: 2 hard ({suppressed} suppressed), 1 soft, 1 automatic answer\n")
    assert (tmp_path / "back.mbox").read_bytes() == before
    assert len(office.history()) == 2


def test_a_person_who_lets_somebody_in_again_is_not_overruled_by_an_old_mail(office: Office, tmp_path: Path) -> None:
    (tmp_path / "back.mbox").write_bytes(
        b"From MAILER-DAEMON Fri Mar  1 13:00:09 2030\n" + office.mail("postfix-unknown")
    )
    assert "(1 suppressed)" in office.cli("bounces", str(tmp_path / "back.mbox"))[1]
    assert office.cli("contacts", "suppress", WAN, "--undo")[0] == 0
    assert "(0 suppressed)" in office.cli("bounces", str(tmp_path / "back.mbox"))[1]
    assert office.suppressed() == {}


def test_both_stores_know_a_mail_again(tmp_path: Path, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office(tmp_path, capsys)
    key, facts = office.keys[WAN], {"action": "bounce", "text": "5.1.1 100% [gone]", "now": NOW, "who": "bounces"}
    with Desk(site=Site(office.root), clock=office.cli.clock).ledger() as ledger:
        row = ledger.by_remote_id(f"<{key}@harbour.example>")
        assert row
        assert row == ledger.by_key(key)
        assert ledger.by_key("nobody") is ledger.by_remote_id("") is None
        assert not ledger.bounce_known(row.id, "a1")
        assert [ledger.note_bounce(row.id, mark=mark, **facts) for mark in ("a1", "a1", "1", "%")] == [  # type: ignore[arg-type]
            True, False, True, True,
        ]  # fmt: skip
        assert ledger.bounce_known(row.id, "a1")
        assert not ledger.note_bounce(999, mark="a2", **facts)  # type: ignore[arg-type]


def test_a_dry_run_changes_nothing(office: Office) -> None:
    office.back("postfix-unknown", "unsubscribe")
    assert office.run("--dry-run").endswith("1 hard (1 would be suppressed), 1 unsubscribed (1 would be suppressed)\n")
    assert (office.suppressed(), office.history(), len(office.left())) == ({}, [], 2)


def test_garbage_between_two_bounces(office: Office) -> None:
    office.back("postfix-unknown")
    garbage = {"1": b"\xff\xfe\x80" * 300, "2": b"\0" * 3000, "3": b"", "4": b"To: bug@press.example\n" + eml("full")}
    for name, raw in garbage.items():
        (office.box / "new" / name).write_bytes(raw)
    (office.box / "new" / "5").mkdir()
    (office.box / "new" / "6").write_bytes(b"Subject: \x1b[2J\x9b31m\r\n\r\nx")
    (office.box / "new" / "7").write_bytes(office.mail("complaint", "boss@post.example").replace(b"<wan@", b"<boss@"))
    out = office.run()
    assert "1 hard (1 suppressed), 1 complaint (1 suppressed)" in out
    assert "\x1b" not in out
    assert sorted(office.suppressed()) == ["boss@post.example", WAN]
    assert office.left() == ["5"]


def test_as_json(office: Office) -> None:
    office.back("postfix-unknown", "forged")
    found = json.loads(office.run("--json"))
    assert found["sum"] == {"hard": 1, "unknown": 1}
    assert [(one["fate"], one["release"], one["suppressed"]) for one in found["mails"]] == [
        ("hard", "three-piers v1", True), ("unknown", "", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{root}/nowhere", "is not there; name a Maildir, an mbox file, or imaps://"),
        ("{root}/config", "is no Maildir"),
        ("{root}/config/distributor.toml", "is no mbox file"),
        ("imap://desk@mail.example/INBOX", "the password would be open; write imaps://"),
        ("imaps://desk:hunter2@mail.example/INBOX", "holds a password"),
        ("imaps://mail.example/INBOX", "names no user"),
        ("imaps://desk@mail.example/IN%0d%0aBOX", "does not take"),
        ("https://mail.example", "is no IMAP folder"),
        ("imaps://desk@[::1/INBOX", "is not a URL"),
        ("imaps://desk@mail.example/INBOX", "wants a password: --password-env"),
    ],
)
def test_a_source_that_is_none(office: Office, source: str, told: str) -> None:
    code, _, err = office.cli("bounces", source.format(root=office.root))
    assert (code, told in err, "hunter2" in err) == (2, True, False), err


# ── IMAP ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("BOUNCE_PASSWORD", "pier")
    return "--password-env", "BOUNCE_PASSWORD"


@pytest.mark.parametrize("plain", [True, False])
def test_over_imap(office: Office, secret: tuple[str, str], plain: bool) -> None:
    mails = [
        office.mail("postfix-unknown"),
        b"broken",
        office.mail("unsubscribe"),
        office.mail("full") + b"\n" * LONGEST,
    ]
    with ImapSink(mails, plain=plain, refuses=frozenset({2})) as sink:
        url = f"imap://desk@127.0.0.1:{sink.port}"
        assert office.cli("bounces", url, *secret, "--dry-run")[0] == 0
        assert sink.seen == set()
        code, out, err = office.cli("bounces", url, *secret)
        assert (code, err) == (0, "")
        assert out.endswith("4 mails: 1 hard (1 suppressed), 1 unsubscribed (1 suppressed), 1 soft, 1 unreadable\n")
        assert sink.seen == {1, 3, 4}
        assert office.cli("bounces", url, *secret)[1].endswith("1 mail: 1 unreadable\n")
    assert any(f"<0.{BEGINNING}>" in command for command in sink.commands)
    assert not any("BODY[]" in command for command in sink.commands)


def test_a_password_beyond_ascii_and_from_a_file(office: Office, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('Pfähle "\\\n', encoding="utf-8")
    given = ("--password-file", str(tmp_path / "secret"))
    with ImapSink([], password='Pfähle "\\') as sink:
        assert office.cli("bounces", f"imap://desk@127.0.0.1:{sink.port}/INBOX", *given)[:2] == (0, "0 mails\n")
    with ImapSink([], plain=False) as sink:
        code, _, err = office.cli("bounces", f"imap://desk@127.0.0.1:{sink.port}/INBOX", *given)
        assert (code, "beyond ASCII" in err, "Pf" in err) == (2, True, False)


def test_a_server_that_does_not_do_it(office: Office, secret: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with ImapSink([office.mail("postfix-unknown"), office.mail("full")], breaks_at=2) as sink:
        url = f"imap://desk@127.0.0.1:{sink.port}"
        assert "refuses SELECT Bounces" in office.cli("bounces", f"{url}/Bounces", *secret)[2]
        code, out, err = office.cli("bounces", url, *secret)
        assert (code, "run it again" in err, sink.seen) == (2, True, {1})
        assert out.startswith("hard")
        monkeypatch.setenv("BOUNCE_PASSWORD", "quay-7")
        code, _, err = office.cli("bounces", url, *secret)
        assert (code, "AUTHENTICATIONFAILED" in err, "quay-7" in err) == (2, True, False)
    assert office.cli("bounces", url, *secret)[0] == 2  # nobody there
    monkeypatch.delenv("BOUNCE_PASSWORD")
    assert "BOUNCE_PASSWORD is not set" in office.cli("bounces", url, *secret)[2]
    assert "not from both" in office.cli("bounces", url, *secret, "--password-file", "x")[2]
