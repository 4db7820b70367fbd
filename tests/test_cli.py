"""The command line: what a person types and sees."""

import io
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.cli.main import main
from tests import sites
from tests.conftest import SAMPLE, FakeClock

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
LIFT = NOW + timedelta(days=4)


class Cli:
    """Runs commands on one site at a fixed time."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys, self.clock = root, capsys, FakeClock(NOW)

    def __call__(self, *args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["--site", str(self.root), *args], clock=self.clock)
        out, err = self.capsys.readouterr()
        return int(stopped.value.code or 0), out, err


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    root = sites.make(
        tmp_path / "site", sites.box(tmp_path / "site", to=["a@x"]) + sites.box(tmp_path / "site", "wall")
    )
    return Cli(root, capsys)


def test_schedule_status_hold_cancel(cli: Cli) -> None:
    path = str(sites.release(cli.root, LIFT))
    code, out, _ = cli("schedule", path)
    assert code == 0
    assert "Tue 5 Mar 2030 12:00 UTC" in out
    seal = out.split("seal")[1].split()[0]
    assert seal in cli("preview", path)[1]
    code, out, _ = cli("status")
    assert code == 1  # nobody runs
    assert "no 'distributor run' is running" in out
    assert cli("hold", "three-piers")[1] == "three-piers version 1: 2 deliveries held\n"
    assert "withheld" in cli("status")[1]
    assert cli("resume", "three-piers")[0] == 0
    assert cli("cancel", "three-piers")[0] == 0
    code, out, _ = cli("status", "--json")
    assert {row["state"] for row in json.loads(out)["releases"][0]["deliveries"]} == {"canceled"}
    assert code == 0


def test_only_some_channels(cli: Cli) -> None:
    assert cli("schedule", str(sites.release(cli.root, LIFT)), "--channels", "wall")[0] == 0
    rows = json.loads(cli("status", "--json")[1])["releases"][0]["deliveries"]
    assert [row["channel"] for row in rows] == ["wall"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["prevew", "x.md"], "Did you mean 'preview'"),
        (["zebra"], "There is no command 'zebra'"),
        (["preview"], "Missing argument 'RELEASE'"),
        (["preview", "none.md"], "none.md: cannot be read"),
        (["preview", "{file}", "--chanel", "box"], "--channel"),
        (["preview", "{file}", "--channel", "bxo"], "did you mean 'box'"),
        (["preview", "{file}", "--at", "noon"], "--at: 'noon' is not a time"),
        (["schedule", "{file}", "--at", "2020-01-01 09:00 UTC"], "is before the embargo"),
        (["schedule", "{file}", "--channels", "wal"], "did you mean 'wall'"),
        (["status"], "nothing has been scheduled on this site"),
        (["hold", "three-piers"], "nothing has been scheduled on this site"),
    ],
)
def test_mistakes_exit_with_2_and_write_nothing(cli: Cli, args: list[str], told: str) -> None:
    path = str(sites.release(cli.root, LIFT))
    code, out, err = cli(*(arg.replace("{file}", path) for arg in args))
    assert code == 2
    assert told in err + out
    assert "Traceback" not in err
    assert not (cli.root / "var").exists()


def test_check_exits_with_1_for_errors(cli: Cli) -> None:
    path = sites.release(cli.root, LIFT, **{"  - {name: Wan, email: press@harbour.example}\n": "", "contacts:\n": ""})
    code, out, _ = cli("check", str(path))
    assert code == 1
    assert "no press contact" in out
    assert "1 error," in out


def test_a_folder_that_is_no_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = Cli(tmp_path / "nowhere", capsys)("status")
    assert code == 2
    assert "is no site" in err
    assert "distributor init" in err


def test_init_makes_a_site_and_never_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for code, told in ((0, "made a site"), (2, "is a site already")):
        with pytest.raises(SystemExit) as stopped:
            main(["init", str(tmp_path / "press")])
        assert (stopped.value.code or 0) == code
        out, err = capsys.readouterr()
        assert told in out + err
    assert (tmp_path / "press" / "releases" / "harbour-line.zh-Hant.md").is_file()


def test_preview_writes_page_and_bytes(cli: Cli, tmp_path: Path) -> None:
    path = str(sites.release(cli.root, LIFT))
    page, raw = tmp_path / "p" / "page.html", tmp_path / "raw"
    assert cli("preview", path, "--html", str(page), "--out", str(raw))[0] == 0
    assert "Three piers reopen" in page.read_text()
    assert (raw / "wall.en" / "box.txt").read_bytes() == b"Three piers reopen"
    assert not (cli.root / "var").exists()


def test_output_into_a_closed_pipe_is_no_error(cli: Cli) -> None:
    path = sites.release(cli.root, LIFT)
    shell = f"{sys.executable} -m distributor --site {cli.root} preview {path} --json | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {shell}"], capture_output=True, text=True, check=False)
    assert "Error" not in done.stderr
    assert done.stdout.startswith("{")


def test_a_port_in_use(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = cli("serve", "--port", str(port))
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in err
    assert "--port" in err


def test_kill_asks_first_and_says_what_stays(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    path = sites.release(cli.root, LIFT)
    assert cli("schedule", str(path))[0] == 0
    assert cli("kill", "three-piers")[0] == 130
    code, out, _ = cli("kill", "three-piers", "--yes")
    assert (code, out) == (0, "three-piers is killed: nothing more of it goes out\n")
    assert "canceled" in cli("status")[1]
    code, _, err = cli("kill", "no-such", "--yes")
    assert code == 2
    assert "no release 'no-such'" in err


def test_a_body_does_not_wait_for_the_answer_to_its_head(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener made without a protocol number hides from asyncio that it is TCP: Nagle held every body for 40 ms."""
    import uvicorn

    options: list[int] = []

    async def serve(_server: object, sockets: list[socket.socket]) -> None:
        with sockets[0], socket.create_connection(sockets[0].getsockname()):
            taken, _ = sockets[0].accept()
            with taken:
                options.append(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(uvicorn.Server, "serve", serve)
    assert cli("serve", "--port", "0")[0] == 0
    assert options == [1]


def test_serve_shows_public_files_and_nothing_else(cli: Cli) -> None:
    public = cli.root / "public"
    (public / "media").mkdir(parents=True)
    (public / "feed.xml").write_text("<rss/>")
    (public / ".half-written").write_text("secret")
    (cli.root / "secret.txt").write_text("secret")
    command = [sys.executable, "-m", "distributor", "--site", str(cli.root), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONUNBUFFERED": "1"}) as server:
        assert server.stdout
        base = server.stdout.readline().split("http://")[1].split()[0]
        try:
            with urllib.request.urlopen(f"http://{base}/feed.xml") as answer:
                assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
                assert answer.headers["Cache-Control"].startswith("public, max-age=60")
            answers = []
            for path in (
                "/",
                "/media",
                "/media/",
                "/.half-written",
                "/../secret.txt",
                "/%2e%2e/secret.txt",
                "/nothing",
            ):
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(f"http://{base}{path}")
                assert refused.value.code == 404
                assert refused.value.headers["Cache-Control"] == "no-store"
                answers.append(refused.value.read())
            assert len(set(answers)) == 1
        finally:
            server.terminate()


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The shipped config and sample, as `init` makes them."""
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path / "office")])
    capsys.readouterr()
    return Cli(tmp_path / "office", capsys)


class TestTheShippedSite:
    """What a new user meets."""

    def test_preview_names_every_channel(self, office: Cli) -> None:
        code, out, _ = office("preview", str(office.root / "releases" / "harbour-line.md"))
        assert code == 0
        for words in (
            "rss · en",
            "rss · zh-Hant",
            "email · en",
            "email-zh · zh-Hant",
            "mastodon · en",
            "bluesky · en",
            "of 300 graphemes",
        ):
            assert words in out

    def test_the_sample_has_no_errors_or_warnings(self, office: Cli) -> None:
        code, out, _ = office("check", str(office.root / "releases" / "harbour-line.md"))
        assert code == 0, out
        assert "0 errors, 0 warnings" in out

    def test_doctor_says_local(self, office: Cli) -> None:
        rows = {row["channel"]: row for row in json.loads(office("doctor", "--json")[1])}
        assert {name for name, row in rows.items() if not row["live"]} == {
            "email",
            "email-zh",
            "mastodon",
            "bluesky",
            "linkedin",
            "x",
        }

    def test_doctor_says_what_is_missing(self, office: Cli) -> None:
        config = office.root / "config" / "distributor.toml"
        config.write_text(config.read_text().replace('# token = { env = "MAS', 'token = { env = "MAS'))
        code, out, _ = office("doctor")
        assert code == 1
        assert "MASTODON_TOKEN" in out

    def test_raw_bytes(self, office: Cli, tmp_path: Path) -> None:
        office("preview", str(office.root / "releases" / "harbour-line.md"), "--out", str(tmp_path / "raw"))
        names = {str(path.relative_to(tmp_path / "raw")) for path in (tmp_path / "raw").rglob("*.*") if path.is_file()}
        assert {"rss.en/feed.xml", "email.en/message.eml", "mastodon.en/post.json", "bluesky.en/post.json"} <= names

    def test_import(self, office: Cli, tmp_path: Path) -> None:
        text = tmp_path / "pasted.txt"
        text.write_text(
            "Piers reopen after storm\n\nHONG KONG, March 5, 2030 /PRNewswire/ -- The piers reopen.\n\nHashtag: #Piers\n"
        )
        code, out, _ = office("import", str(text))
        assert code == 0
        assert "dateline" in out
        made = tmp_path / "piers-reopen-after-storm.md"
        assert "hashtags" in made.read_text()
        code, _, err = office("import", str(text))
        assert code == 2
        assert "--force" in err

    def test_an_embargo_that_cannot_be_read_is_an_error_of_the_import(self, office: Cli, tmp_path: Path) -> None:
        text = tmp_path / "pasted.txt"
        text.write_text(
            "EMBARGOED UNTIL 12:00 am, 3 March 2031 Hong Kong time\n\nPiers reopen\n\nThe piers reopen today.\n"
        )
        out = office("import", str(text), "--json")[1]
        found = {one["code"]: one["severity"] for one in json.loads(out)["findings"]}
        assert found["embargo-unclear"] == "error"
        code, _, err = office("schedule", str(tmp_path / "piers-reopen.md"), "--at", "2031-03-03 00:00 UTC")
        assert code
        assert "speaks of an embargo" in err


def test_the_sample_is_complete() -> None:
    assert {path.name for path in SAMPLE.iterdir()} == {
        "harbour-line.md", "harbour-line.zh-Hant.md", "harbour-line-ferry.jpg",
    }  # fmt: skip


class TestHtmlInEveryField:
    """Markup in a field is refused; and a release built past the reader is still escaped on the page."""

    def test_on_the_preview_page(self, cli: Cli, tmp_path: Path) -> None:
        from distributor import sheet
        from distributor.desk import Desk
        from distributor.site import Site

        desk = Desk(site=Site(cli.root), clock=cli.clock)
        made = desk.preview(sites.release(cli.root, LIFT))
        attack = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
        import dataclasses

        text = made.release.main.model_copy(update={"headline": attack, "summary": attack})
        issuer = made.release.issuer.model_copy(update={"name": attack})
        release = made.release.model_copy(update={"languages": (text,), "issuer": issuer})
        message = dataclasses.replace(made.rendered[0].message, text=attack, title=attack, headers=((attack, attack),))
        rendered = dataclasses.replace(made.rendered[0], message=message)
        hostile = dataclasses.replace(made, file=dataclasses.replace(made.file, release=release), rendered=(rendered,))
        page = sheet.page(hostile, desk.press.templates)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<script" not in page


@pytest.mark.slow
def test_the_demo_goes_as_it_must(tmp_path: Path) -> None:
    """The first of the README's commands, in real time: nothing early, everything delivered, every byte as previewed."""
    command = [sys.executable, "-m", "distributor", "demo", "--folder", str(tmp_path / "demo")]
    demo = subprocess.run(command, capture_output=True, text=True, check=False)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "before the instant: 0 files had left" in demo.stdout
    assert "12 of 12 delivered" in demo.stdout
    assert "every sent byte is the previewed byte" in demo.stdout


def test_a_demo_that_is_stopped_says_that_nothing_was_sent(tmp_path: Path) -> None:
    import signal

    command = [sys.executable, "-u", "-m", "distributor", "demo", "--folder", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        for line in demo.stdout:
            if line.startswith("running on"):
                break
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate()
    assert demo.returncode == 2, err
    assert "nothing was sent" in err
    assert "previewed byte" not in out


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:", "127.0.0.1:99999", "-1"])
def test_a_metrics_address_without_a_port_is_refused_in_words(cli: Cli, address: str) -> None:
    code, _, err = cli("run", f"--metrics={address}")
    assert code == 2
    assert f"'{address}' names no port; write 9464 or 127.0.0.1:9464" in err


def test_reschedule_and_settle_say_what_they_did(cli: Cli) -> None:
    cli("schedule", str(sites.release(cli.root, LIFT)))
    code, out, _ = cli("reschedule", "three-piers", "--at", "2030-03-06 09:00 Asia/Hong_Kong")
    assert (code, "Wed 6 Mar 2030 09:00 HKT (01:00 UTC)" in out) == (0, True)
    code, out, _ = cli("reschedule", "three-piers", "--at", "+2h", "--break-embargo", "x", "--json")
    assert json.loads(out)["lift"] == "2030-03-01T14:00:00+00:00"
    assert cli("reschedule", "three-piers", "--at", "2030-03-06 09:00")[0] == 2
    code, _, err = cli("settle", "three-piers")
    assert (code, "Say --there" in err) == (2, True)
    code, _, err = cli("settle", "three-piers", "--there")
    assert (code, "nothing of 'three-piers' that fits is in doubt" in err) == (2, True)
