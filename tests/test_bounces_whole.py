"""A mail goes out, comes back, and its reader is written to no more."""

import asyncio
import mailbox
from pathlib import Path

import pytest

from distributor.cli.main import main
from distributor.presslist import Suppressions
from tests.scheduled import LIFT, Scheduled
from tests.servers.smtp import SmtpSink

BLOCK = """
[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["wan@post.example", "ada@ferry.example"]
tls = "none"
mail_key = { env = "MAIL_KEY" }
bounces = "Bounce@lam.example"
"""
REPORT = """From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; someone-else@post.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b--
"""


@pytest.mark.parametrize("lower", [False, True])
def test_a_bounce_finds_its_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lower: bool
) -> None:
    monkeypatch.setenv("MAIL_KEY", "a secret of the press office")
    root = tmp_path / "site"

    async def send() -> dict[str, str]:
        async with SmtpSink() as sink:
            block = f'{BLOCK}smtp = "smtp://127.0.0.1:{sink.port}"\n'
            site = await asyncio.to_thread(Scheduled, root, block)
            site.clock.set(LIFT)
            await asyncio.to_thread(site.drain)
            return {taken.rcpt[9:-1]: taken.mail[11:].partition(">")[0] for taken in sink.taken}

    senders = asyncio.run(send())
    assert len(set(senders.values())) == 2
    assert all(address.startswith("Bounce+") and address.endswith("@lam.example") for address in senders.values())
    came_back_to = senders["wan@post.example"]
    box = mailbox.Maildir(tmp_path / "back")
    box.add(REPORT.format(to=came_back_to.lower() if lower else came_back_to))
    box.add(REPORT.format(to=came_back_to.replace("+", "+0")))  # a guess
    with pytest.raises(SystemExit) as ended:
        main(["--site", str(root), "bounces", str(tmp_path / "back")])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "hard  wan@post.example  three-piers v1  5.1.1" in shown
    assert "2 mails: 1 hard (1 suppressed), 1 unknown" in shown
    assert set(Suppressions(root / "contacts" / "suppressed.csv").all()) == {"wan@post.example"}
