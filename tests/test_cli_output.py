"""What every command shares: mistakes, JSON, pipes, full disks, terminals, Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from distributor import plain
from distributor.cli import output
from distributor.cli.main import _COMMANDS, cli
from distributor.outbox import Event
from tests import sites
from tests.conftest import FakeClock
from tests.scheduled import Scheduled
from tests.test_cli import Cli

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
LIFT = NOW + timedelta(hours=1)
#: Commands that serve until they are stopped: their JSON is `run --log json`, or none.
SERVICES = {"run", "desk", "serve"}
#: Of what another command has written already, in a form that its option names.
DOCUMENTS = {"feed"}
#: A person's own words, or a place that is made: nothing is wrong there.
FREE = {"outlet", "tags", "password_env", "password_file", "folder", "page", "output", "out", "url"}


def walk(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = list(walk())
OPTIONS = [
    pytest.param(path, option, id=f"{'-'.join(path)}{option.opts[0]}")
    for path, command in COMMANDS
    for option in command.params
    if isinstance(option, click.Option) and not option.is_flag and option.name not in FREE
]


@pytest.fixture
def site(tmp_path: Path) -> Scheduled:
    root = tmp_path / "site"
    mail = '[channels.email]\ntype = "email"\nsender = "a@x.example"\nto = ["wan@x.example"]\n'
    (root / "contacts").mkdir(parents=True)
    (root / "contacts" / "press.csv").write_text("address\nwan@x.example\n")
    return Scheduled(root, sites.box(root) + mail)


@pytest.fixture
def run(site: Scheduled, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(site.root, capsys)
    made.clock = site.clock
    return made


def arguments(command: click.Command, root: Path, *, known: bool) -> list[str]:
    """Something for each argument; a release, a list or a channel that is there, or none."""
    unknown = {"release_id": "thre-piers", "name": "pres", "address": "nobody", "channel": "emial", "person": "Wan"}
    there = {"release_id": "three-piers", "name": "press", "address": "wan@x.example", "channel": "email"}
    there |= {"person": "Wan <wan@x.example>", "release": str(root / "piers.md")}
    values = there if known else unknown
    missing = str(root / "none" / "none.txt")
    return [values.get(str(one.name), missing) for one in command.params if isinstance(one, click.Argument)]


def required(command: click.Command, but: str) -> list[str]:
    """The options that a command cannot do without."""
    values = {"at": "+2h", "to": "me@x.example"}
    given = [one for one in command.params if isinstance(one, click.Option) and one.required and one.name != but]
    return [part for one in given for part in ([one.opts[0]] if one.is_flag else [one.opts[0], values[str(one.name)]])]


@pytest.mark.parametrize(("path", "option"), OPTIONS)
def test_a_value_that_is_none_is_told(run: Cli, path: tuple[str, ...], option: click.Option) -> None:
    command = dict(COMMANDS)[path]
    needed = {"settle": ["--there"], "kill": ["--yes"]}.get(path[0], [])
    given = [*arguments(command, run.root, known=True), *required(command, str(option.name)), *needed]
    code, out, err = run(*path, *given, option.opts[0], "no/such value")
    assert (code, out) == (2, "")
    assert "error: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize("path", [path for path, command in COMMANDS if arguments(command, Path(), known=False)])
def test_an_argument_that_is_none_is_told(run: Cli, path: tuple[str, ...]) -> None:
    if path in {("init",), ("contacts", "import")}:
        pytest.skip("it makes what it names")
    command = dict(COMMANDS)[path]
    given = arguments(command, run.root, known=False)
    extra = ["--yes"] if path == ("kill",) else ["--there"] if path == ("settle",) else []
    code, out, err = run(*path, *given, *required(command, ""), *extra)
    assert (code, out) == (2, "")
    assert err.startswith(("error: ", "Usage: "))
    if "release_id" in {one.name for one in command.params if isinstance(one, click.Argument)}:
        assert "did you mean 'three-piers'?" in err


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS])
def test_every_command_answers_in_json_and_so_do_its_errors(run: Cli, path: tuple[str, ...]) -> None:
    command = dict(COMMANDS)[path]
    if path[0] in SERVICES | DOCUMENTS:
        pytest.skip("a service, or a document of its own form")
    assert "--json" in {name for one in command.params for name in one.opts}
    code, out, err = run(*path, *arguments(command, run.root, known=True), "--json", "--no-such-option")
    told = json.loads(out)
    assert (code, err, told["schema"]) == (2, "", output.SCHEMA)
    assert told["error"]["kind"] == "usage"
    assert told["error"]["exit_code"] == 2
    assert "--no-such-option" in told["error"]["problems"][0]["text"]


def test_a_broken_release_is_told_in_json_with_file_and_line(run: Cli) -> None:
    path = run.root / "broken.md"
    path.write_text("---\nid: broken\nheadlin: Piers\n---\nText.\n")
    code, out, err = run("check", str(path), "--json")
    (first, *_) = json.loads(out)["error"]["problems"]
    assert (code, err, first["file"], first["line"]) == (2, "", str(path), 3)
    assert "did you mean 'headline'?" in first["text"]


def test_what_changes_something_answers_in_json(run: Cli, site: Scheduled) -> None:
    def told(*args: str, code: int = 0) -> dict:
        found, out, err = run(*args, "--json")
        assert (found, err) == (code, "")
        answer = json.loads(out)
        assert answer.pop("schema") == output.SCHEMA
        return dict(answer)

    assert told("hold", "three-piers") == {
        "id": "three-piers", "version": 1, "action": "hold", "moved": 2, "delivered": 0, "in_flight": 0,
    }  # fmt: skip
    assert told("resume", "three-piers")["moved"] == 2
    site.clock.set(LIFT)
    site.drain()
    rows = told("report", "three-piers", "--state", "delivered")["deliveries"]
    assert [row["signature"] for row in rows] == ["", ""]
    assert [row["remote_id"].startswith("outbox/email/new/") for row in rows if row["channel"] == "email"] == [True]
    assert str(site.root) not in json.dumps([rows, told("status", code=0)])
    assert told("contacts", "add", "press", "Li <li@x.example>")["members"] == 2
    assert told("contacts", "remove", "press", "li@x.example")["change"] == "removed"
    assert told("contacts", "suppress", "li@x.example")["changed"] is True
    sent = told("send-test", str(site.root / "piers.md"), "--to", "me@x.example")
    assert (sent["sent"], sent["file"].startswith("outbox/email/new/send-test-")) == (False, True)
    assert told("approve", str(site.root / "piers.md"))["seal"]
    assert run("kill", "three-piers", "--json")[0] == 2  # nobody can answer its question
    assert told("kill", "three-piers", "--yes")["left"] == {"box": 1, "email": 1}
    assert told("init", str(site.root.parent / "other"))["files"]


class TestPipes:
    """Whoever reads the output gets all of it, a line for a line, or leaves without harm."""

    @pytest.fixture
    def broken(self, run: Cli) -> Path:
        """A release with a long finding."""
        path = run.root / "long.md"
        text = (run.root / "piers.md").read_text()
        path.write_text(text.replace("The piers reopen.", f"The piers reopen. {'word ' * 40}" * 2))
        return path

    def test_a_finding_is_one_line(self, run: Cli, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for columns in ("", "40"):
            monkeypatch.setenv("COLUMNS", columns)
            _, out, _ = run("check", str(broken))
            *lines, _sum = out.splitlines()
            found = json.loads(run("check", str(broken), "--json")[1])
            assert [line.split()[-1] for line in lines] == [one["code"] for one in found]
            assert all(one["text"] in line for one, line in zip(found, lines, strict=True))

    def test_columns_are_honoured(self, run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        assert max(map(len, run("status")[1].splitlines())) > 60
        monkeypatch.setenv("COLUMNS", "60")
        assert max(map(len, run("status")[1].splitlines())) <= 60

    @pytest.mark.parametrize("args", [("status",), ("report", "three-piers"), ("preview", "piers.md"), ("--help",)])
    def test_a_full_disk(self, site: Scheduled, args: tuple[str, ...]) -> None:
        with Path("/dev/full").open("w") as full:
            done = start(site.root, *args, stdout=full)
        assert "the answer could not be written: No space left on device" in done.stderr
        assert (done.returncode in (1, 3), done.stderr.count("\n")) == (True, 1)

    @pytest.mark.parametrize("args", [("status",), ("report", "three-piers"), ("preview", "piers.md", "--json")])
    def test_a_closed_pipe(self, site: Scheduled, args: tuple[str, ...]) -> None:
        read, write = os.pipe()
        os.close(read)
        done = start(site.root, *args, stdout=write)
        os.close(write)
        assert (done.stderr, done.returncode in (0, 1)) == ("", True)

    def test_a_closed_output(self, site: Scheduled) -> None:
        shell = f"{sys.executable} -m distributor --site {site.root} status >&- 2>&-"
        assert subprocess.run(["bash", "-c", shell], check=False).returncode == 1

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
    def test_a_terminal_that_knows_few_characters(self, site: Scheduled, encoding: str) -> None:
        path = site.root / "piers.md"
        path.write_text(path.read_text().replace("The piers reopen.", "Die Brücke – 開業 – steht."))
        env = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C"}
        done = start(site.root, "preview", "piers.md", "--channel", "email", env=env, encoding=encoding)
        assert (done.returncode, done.stderr) == (0, "")
        assert ("開業" if encoding == "utf-8" else "\\u958b\\u696d") in done.stdout
        assert "?" not in done.stdout.partition("wire")[0]
        shown = json.loads(start(site.root, "preview", "piers.md", "--json", env=env, encoding=encoding).stdout)
        assert "開業" in json.dumps(shown, ensure_ascii=False)


def start(root: Path, *args: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "distributor", "--site", str(root), *args]
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("encoding", "utf-8")
    return subprocess.run(command, stderr=subprocess.PIPE, cwd=root, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("delay", [0.03, 0.1, 0.2, 0.35, 0.6, 0.9])
def test_ctrl_c_at_any_moment_is_quiet(site: Scheduled, delay: float) -> None:
    command = [sys.executable, "-m", "distributor", "--site", str(site.root), "preview", str(site.root / "piers.md")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(delay)  # any moment is right: nothing depends on which one it hits
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    # Before the first line of ours runs, Python itself is what is stopped.
    assert not re.search(r"/distributor/(?!distributor/|__init__|__main__|cli/__init__|cli/start|.venv)", err)
    assert process.returncode in (0, 1, 130, -signal.SIGINT)


EVIL = "250 ok\x1b]0;owned\x07\r\n2030-01-01 12:00:00 UTC  delivered \x9b31m\u202e all"


@pytest.mark.parametrize("command", [("backup",), ("restore", "x"), ("publish",), ("send-test", "x")])
def test_what_is_missing_is_named_in_json(tmp_path: Path, command: tuple[str, ...]) -> None:
    words = [sys.executable, "-m", "distributor", *command, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["message"].startswith("Missing ")


class TestEscapes:
    """What a server says steers no terminal and forges no line."""

    def test_visible(self) -> None:
        assert plain.visible("a\x1b[31m\x9b\u202eb\tc\nd") == "a\\x1b[31m\\x9b\\u202eb\tc\nd"
        assert plain.one_line(EVIL) == "250 ok\\x1b]0;owned\\x07 2030-01-01 12:00:00 UTC delivered \\x9b31m\\u202e all"
        assert plain.visible("\u2068مرحبا\u2069") == "\u2068مرحبا\u2069"

    def test_in_the_log_the_table_and_the_csv(
        self, site: Scheduled, run: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from distributor.cli.logs import Log
        from distributor.cli.progress import Progress
        from distributor.outbox.courier import Courier

        (row, *_) = site.rows()
        for as_json in (False, True):
            progress = Progress(ask=lambda _name: None)
            log = Log(as_json=as_json, root=site.root, redact=str, clock=FakeClock(NOW), progress=progress)  # type: ignore[arg-type]
            log.events([Event(at=NOW, delivery=row, state=row.state, detail=EVIL)])
            log.say("trouble", EVIL)
            lines = capsys.readouterr().out.splitlines()
            assert (len(lines), clean("\n".join(lines))) == (2, True)
        # An older ledger may hold what came raw: it is shown without harm.
        monkeypatch.setattr(Courier, "_settled", raw(Courier._settled))
        site.clock.set(LIFT)
        site.drain()
        assert "\x1b" in "".join(row.reason or "" for row in site.rows())
        for args in (("status",), ("status", "--json"), ("report", "three-piers")):
            _, out, _ = run(*args)
            assert clean(out)
            assert "owned" in out or args == ("status",)

    def test_the_ledger_keeps_none(self, site: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
        from distributor.contract import Refused

        async def deliver(*_args: object) -> None:
            raise Refused(EVIL)

        for channel in site.desk.channels.values():
            monkeypatch.setattr(type(channel), "deliver", deliver)
        site.clock.set(LIFT)
        site.drain()
        assert {row.reason for row in site.rows()} == {plain.one_line(EVIL)}


def clean(text: str) -> bool:
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def raw(settled: object) -> object:
    def change(self: object, due: object, outcome: object, _reason: str, *args: object, **options: object) -> object:
        return settled(self, due, outcome, EVIL, *args, **options)  # type: ignore[operator]

    return change


def test_status_says_when_the_service_stopped(site: Scheduled, run: Cli) -> None:
    assert "service not running · never ran" in run("status")[1]
    site.clock.set(LIFT)
    site.drain()
    with site.desk.ledger() as ledger:
        ledger.leave("office", LIFT)
        ledger.leave("office", LIFT + timedelta(seconds=3))
    _, out, _ = run("status")
    assert "service not running · stopped on Fri 1 Mar 2030 13:00:03 UTC" in out
    assert json.loads(run("status", "--json")[1])["stopped_at"] == "2030-03-01T13:00:03+00:00"


def test_one_is_one(run: Cli, site: Scheduled) -> None:
    run("cancel", "three-piers")
    assert run("schedule", str(site.root / "piers.md"), "--channels", "box")[0] == 0
    assert "1 delivery waits and no 'distributor run' is running" in run("status")[1]
    assert [plain.counted(n, "delivery", "deliveries") for n in (0, 1, 1200)] == [
        "0 deliveries", "1 delivery", "1,200 deliveries",
    ]  # fmt: skip


def test_the_hint_for_a_secret_can_be_pasted(run: Cli) -> None:
    config = run.root / "config" / "distributor.toml"
    before = config.read_text()
    config.write_text(before + '[channels.m]\ntype = "mastodon"\ninstance = "https://m.example"\ntoken = "s3cr3t"\n')
    hint = re.search(r'\{ env = "NAME" \}', run("doctor")[2])
    assert hint
    config.write_text(before + f'[channels.m]\ntype = "mastodon"\ninstance = "https://m.example"\ntoken = {hint[0]}\n')
    assert "environment variable NAME" in run("doctor")[1]


def test_apscheduler_says_nothing_in_the_operators_log(caplog: pytest.LogCaptureFixture) -> None:
    import asyncio

    from distributor.schedule import Alarm, SlowTick

    troubles: list[Exception] = []

    async def slow() -> None:
        await asyncio.sleep(2.6)

    async def none(*_args: object) -> list[datetime]:
        return []

    async def watch() -> None:
        stop = asyncio.Event()
        clock = FakeClock(NOW)
        alarm = Alarm(instants=none, drain=none, tick=slow, clock=clock, trouble=troubles.append)
        asyncio.get_running_loop().call_later(6, stop.set)
        await alarm.run(stop)

    asyncio.run(watch())
    assert [record for record in caplog.records if record.name.startswith("apscheduler")] == []
    assert [type(one) for one in troubles] == [SlowTick]
    assert str(troubles[0]) == "the ledger has not answered for more than a second"


def test_every_command_has_its_module() -> None:
    assert {path[0] for path, _ in COMMANDS} == set(_COMMANDS)
