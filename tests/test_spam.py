"""The spam score: what SpamAssassin says, what happens where it is not there, fails or takes too long; `send-test`'s options."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from distributor.cli import main as cli
from distributor.cli import spam
from distributor.contract import Channel, Kit, Recipient
from distributor.errors import ActionError
from distributor.release import Release
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import LIFT, NOW

ANSWER = """\
X-Spam-Checker-Version: SpamAssassin 4.0.1 (2024-03-25) on host
X-Spam-Points: NO_RELAYS=-0.001,HTML_MESSAGE=0.001,LOTS_OF_MONEY=1.26,ALL_TRUSTED=-1
X-Spam-Status: No, score=-0.1 required=5.0 tests=HTML_MESSAGE,
\tLOTS_OF_MONEY autolearn=no version=4.0.1
Subject: News

X-Spam-Status: Yes, score=99.0 required=5.0
"""
SAYS = (
    "spam score −0.1 of 5.0 (SpamAssassin 4.0.1): LOTS_OF_MONEY 1.3, HTML_MESSAGE 0.0, NO_RELAYS 0.0, ALL_TRUSTED −1.0"
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make `spamassassin` a script; the folder keeps what it was given as `mail` and `arguments`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def make(script: str) -> Path:
        path = folder / "spamassassin"
        path.write_text(f'#!/bin/sh\ncd "{folder}"\n{script}\n')
        path.chmod(0o755)
        return folder

    return make


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    root = sites.make(tmp_path / "site", '[channels.email]\ntype = "email"\nsender = "a@x.example"\n')
    path = sites.release(root, LIFT)

    def call(*options: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            args = ["--site", str(root), "send-test", str(path), "--to", "Zoë <me@x.example>", *options]
            cli.main(args, clock=FakeClock(NOW))
        out, err = capsys.readouterr()
        return int(str(done.value.code or 0)), out, err

    return call


def sent(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "site" / "outbox").rglob("*") if path.is_file()]


def test_the_score_is_read(program: Callable[[str], Path]) -> None:
    folder = program(f"cat > mail; printf '%s\\n' \"$@\" > arguments; cat <<'E'\n{ANSWER}E")
    found = spam.score(b"Subject: News\r\n\r\n.")
    assert found is not None
    assert (found.score, found.required, found.version) == (-0.1, 5.0, "4.0.1")
    assert str(found) == SAYS
    assert (folder / "mail").read_bytes() == b"Subject: News\r\n\r\n."
    arguments = (folder / "arguments").read_text().splitlines()
    assert {"-L", "-t", "-x", "--cf=bayes_auto_learn 0"} <= set(arguments)


def test_without_rules_and_version() -> None:
    found = spam.read(b"X-Spam-Status: No, score=0 required=5\n\n")
    assert str(found) == "spam score 0.0 of 5.0 (SpamAssassin): no rule matched"
    assert spam.read(b"Subject: x\n\nX-Spam-Status: No, score=0 required=5\n") is None


@pytest.mark.usefixtures("nowhere")
def test_it_is_not_installed() -> None:
    assert spam.score(b"") is None


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("cat > /dev/null; echo 'config: no rules were found!' >&2; exit 2", "no score: config: no rules were found!"),
        ("exit 0", "gave no score"),
        ("printf '\\377\\000\\n\\n'", "gave no score"),
        ("exec sleep 20", "took longer than 0.5 seconds"),
    ],
)
def test_failures_are_sentences(program: Callable[[str], Path], script: str, says: str) -> None:
    program(script)
    with pytest.raises(ActionError, match=re.escape(says)):
        spam.score(b"x" * 200_000, timeout=0.5 if "sleep" in script else 20)


def test_what_is_no_program(program: Callable[[str], Path]) -> None:
    (program("") / "spamassassin").write_bytes(b"\x7fELF")
    with pytest.raises(ActionError, match="cannot be started"):
        spam.score(b"")


def test_send_test_prints_the_score_when_asked(program: Callable[[str], Path], run: Run, tmp_path: Path) -> None:
    folder = program(f"cat > mail; cat <<'E'\n{ANSWER}E")
    code, out, _ = run("--spam-score")
    assert (code, SAYS in out, "bytes for me@x.example" in out) == (0, True, True)
    (mail,) = sent(tmp_path)
    assert mail.read_bytes() == (folder / "mail").read_bytes()
    assert "spam score" not in run()[1]
    assert "spam score" not in run("--no-spam-score")[1]


@pytest.mark.usefixtures("nowhere")
def test_send_test_says_that_it_is_not_installed(run: Run) -> None:
    code, out, _ = run("--spam-score")
    assert (code, "SpamAssassin is not installed" in out, "bytes for" in out) == (0, True, True)


def test_a_failure_sends_nothing(program: Callable[[str], Path], run: Run, tmp_path: Path) -> None:
    program("exit 1")
    code, _, err = run("--spam-score")
    assert (code, "gave no score" in err) == (2, True)
    assert sent(tmp_path) == []


def test_show_prints_the_source_and_sends_nothing(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("--show")
    assert code == 0
    assert out.startswith("To: =?utf-8?")
    head, _, rest = out.partition("\n\n")
    assert {"From", "Subject", "Date", "Message-ID", "Content-Type"} <= {
        line.partition(":")[0] for line in head.split("\n")
    }
    assert 'Content-Type: text/html; charset="utf-8"' in rest
    assert "\r" not in out
    text, _, end = rest.partition("── text part, decoded ──\n\n")[2].rpartition("\n\n")
    assert "FOR IMMEDIATE RELEASE" in text
    assert "=20" not in text
    assert re.fullmatch(r"[\d,]+ bytes; nothing was sent\n", end)
    assert sent(tmp_path) == []


def test_show_and_score(program: Callable[[str], Path], run: Run, tmp_path: Path) -> None:
    program(f"cat > mail; cat <<'E'\n{ANSWER}E")
    _, out, _ = run("--show", "--spam-score")
    assert out.endswith(f"nothing was sent\n{SAYS}\n")
    assert sent(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_the_sample_is_no_spam(
    make_channel: Callable[..., Channel],
    kit: Kit,
    sample: Release,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if shutil.which(spam.PROGRAM) is None:
        pytest.skip("SpamAssassin is not installed here: apt-get install spamassassin")
    monkeypatch.setenv("HOME", str(tmp_path))
    channel = make_channel("email", languages=[language])
    (message,) = channel.render(sample, kit)
    found = spam.score(
        channel.compose(message, Recipient(address="newsdesk@harbourdaily.example", name="Harbour Daily"))
    )
    assert found is not None
    assert found.score < 1.0, str(found)
    spammy = (
        b"From: a@x.example\r\nTo: b@x.example\r\nSubject: FREE!!! ACT NOW\r\n\r\nCLICK HERE FREE 100% GUARANTEED\r\n"
    )
    worse = spam.score(spammy)
    assert worse is not None
    assert worse.score > found.score + 2
