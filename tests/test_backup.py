"""`backup` and `restore`: a whole site in one file, and back, on hold until somebody has looked."""

import json
import os
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor.archive import MANIFEST
from distributor.cli.main import main
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.site import Site
from distributor.store.open import open_people
from tests import sites
from tests.scheduled import LIFT, Scheduled, drain, outbox
from tests.servers.postgres import Postgres
from tests.test_outbox import spawn

MORE = '[newsroom]\ntitle = "Harbour"\nlogo = "https://lam.example/logo.png"\n'


def mail(root: Path) -> str:
    return (
        '[channels.mail]\ntype = "email"\nsender = "Press <press@lam.example>"\nlists = ["press"]\n'
        f'smtp = "smtp://user@127.0.0.1:9"\npassword = {{ env = "MAIL_PASSWORD" }}\ndkim_key = {{ file = "{root}/dkim.pem" }}\n'
        'dkim_selector = "s"\nenabled = false\n'
    )


@pytest.fixture
def site(tmp_path: Path) -> Scheduled:
    """A site with a bit of everything, and a release that is scheduled."""
    root = tmp_path / "site"
    made = Scheduled(root, sites.box(root, to=["a@x", "b@x"]) + mail(root))
    (root / "dkim.pem").write_text("PRIVATE KEY")
    (root / ".env").write_text("MAIL_PASSWORD=hunter2")
    (root / "contacts").mkdir()
    (root / "contacts" / "press.csv").write_text("address\na@x\n")
    (root / "templates" / "mine.txt").write_text("mine")
    (root / "var" / "feeds").mkdir()
    (root / "var" / "feeds" / "item.json").write_text("{}")
    (root / "var" / "connections").mkdir()
    (root / "var" / "connections" / "x.enc").write_text("sealed tokens")
    (root / "public").mkdir()
    (root / "public" / "index.html").write_text("<p>out</p>")
    (root / "elsewhere").symlink_to("/etc")
    return made


def run(*words: str, clock: object = None) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words), clock=clock)  # type: ignore[arg-type]
    return int(ended.value.code or 0)


def restored(site: Scheduled, file: Path, folder: Path, *words: str) -> Desk:
    assert run("restore", str(file), str(folder), *words, clock=site.clock) == 0
    return Desk(site=Site(folder), clock=site.clock)


def states(desk: Desk) -> set[str]:
    return {str(row.state) for _, rows in desk.status()[1] for row in rows}


def test_a_site_comes_back_whole_and_without_its_secrets(
    site: Scheduled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.zip"
    with site.desk.ledger():  # somebody works on it
        assert run("--site", str(site.root), "backup", str(file), clock=site.clock) == 0
    said = capsys.readouterr().out
    assert "[channels.mail] password: environment variable MAIL_PASSWORD" in said
    assert "elsewhere: a link" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as pack:
        names, everything = set(pack.namelist()), b"".join(map(pack.read, pack.namelist()))
    assert not any(name.endswith(("dkim.pem", ".env", ".enc")) or "distributor.db" in name for name in names) or (
        "ledger/distributor.db" in names
    )
    for secret in (b"PRIVATE KEY", b"hunter2", b"sealed tokens"):
        assert secret not in whole
        assert secret not in everything
    desk = restored(site, file, tmp_path / "new")
    assert "distributor restored" in capsys.readouterr().out
    new = tmp_path / "new"
    for name in ("templates/mine.txt", "contacts/press.csv", "public/index.html", "var/feeds/item.json", "piers.md"):
        assert (new / name).read_bytes() == (site.root / name).read_bytes(), name
    assert (new / "config" / "distributor.toml").read_text() == (site.root / "config" / "distributor.toml").read_text()
    assert desk.verify("three-piers")[1]
    assert states(desk) == {"planned"}


def test_what_was_due_since_is_held_after_a_restore(site: Scheduled, tmp_path: Path) -> None:
    site.desk.backup(tmp_path / "site.zip")
    site.root.rename(tmp_path / "old")
    desk = restored(site, tmp_path / "site.zip", site.root)
    assert desk.restored()
    site.clock.set(LIFT)
    drain(desk, lambda ledger: _watched(desk, ledger, site))
    assert states(desk) == {"held"}
    assert sites.log(site.root) == []
    assert run("--site", str(site.root), "status", clock=site.clock) == 1
    assert desk.settle_restored(there=False) == 2
    drain(desk, lambda ledger: _watched(desk, ledger, site))
    assert states(desk) == {"delivered"}


def _watched(desk: Desk, ledger, site: Scheduled):  # type: ignore[no-untyped-def]
    made = outbox(desk, ledger, site.clock, site.events)
    made.witness, made.seen = desk.witness, desk.witness.read()
    return made


def test_a_restore_over_a_site_moves_aside_what_was_there(site: Scheduled, tmp_path: Path) -> None:
    file = tmp_path / "site.zip"
    site.desk.backup(file)
    site.clock.set(LIFT)
    drain(site.desk, lambda ledger: _watched(site.desk, ledger, site))
    assert states(site.desk) == {"delivered"}
    (site.root / "public" / "index.html").write_text("newer")
    assert run("restore", str(file), str(site.root), clock=site.clock) == 2  # not empty
    assert states(site.desk) == {"delivered"}
    desk = restored(site, file, site.root, "--replace")
    [aside] = site.root.glob("before-restore-*")
    assert (aside / "public" / "index.html").read_text() == "newer"
    assert (aside / "var" / "distributor.db").is_file()
    drain(desk, lambda ledger: _watched(desk, ledger, site))
    assert states(desk) == {"held"}
    assert len(sites.log(site.root)) == 2


def test_a_restore_waits_for_nobody_who_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = sites.make(tmp_path / "site", sites.box(tmp_path / "site"))
    desk = Desk(site=Site(root), clock=SystemClock())
    desk.schedule(sites.release(root, datetime.now(UTC) + timedelta(hours=1)))
    with spawn(root, "run") as process:
        assert process.stdout
        for line in process.stdout:
            if "running on" in line:
                break
        desk.backup(tmp_path / "site.zip")  # while it runs
        assert run("restore", str(tmp_path / "site.zip"), str(root), "--replace") == 2
        assert "the service runs on this site" in capsys.readouterr().err
        process.terminate()
        process.communicate(timeout=30)
    assert run("restore", str(tmp_path / "site.zip"), str(root), "--replace") == 0


def test_a_restore_gives_nobody_back_what_was_taken_away(site: Scheduled, tmp_path: Path) -> None:
    """Sessions, tokens and approvals that were revoked since the backup do not come back to life."""
    url = f"sqlite:///{site.root}/var/distributor.db"
    with site.desk.ledger() as ledger, ledger.writing() as connection:
        for statement in (
            (
                "INSERT INTO person (name, role, lang, zone, totp_step, disabled, link, link_until, made_at)"
                " VALUES ('ann', 'admin', 'en', 'UTC', 0, 0, 'link', 9, 1)"
            ),
            "INSERT INTO session (id, person, made_at, seen_at, address) VALUES ('s', 'ann', 1, 1, '')",
            "INSERT INTO api_token (id, person, label, role, made_at) VALUES ('t', 'ann', 'x', 'admin', 1)",
            "INSERT INTO approval (release_id, version, seal, digests, who, at) VALUES ('draft', 1, 'x', '{}', 'ann', 1)",
            (
                "INSERT INTO approval (release_id, version, seal, digests, who, at)"
                " VALUES ('three-piers', 1, 'x', '{}', 'ann', 1)"
            ),
        ):
            connection.exec_driver_sql(statement)
    site.desk.backup(tmp_path / "site.zip")
    desk = restored(site, tmp_path / "site.zip", tmp_path / "new")
    with desk.ledger() as ledger, ledger.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM session").scalar() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM api_token").scalar() == 0
        assert connection.exec_driver_sql("SELECT link FROM person").scalar() is None
        approved = (
            connection.exec_driver_sql("SELECT release_id FROM approval WHERE revoked_at IS NULL").scalars().all()
        )
    assert approved == ["three-piers"]
    people = open_people(url)
    people.close()


# ── what is no backup ─────────────────────────────────────────────────────────────────────────────────────────────


def rewritten(file: Path, target: Path, change: Callable[[dict[str, bytes], dict], None], mode: int = 0o644) -> Path:
    """The backup with other files and another manifest."""
    with zipfile.ZipFile(file) as pack:
        files = {name: pack.read(name) for name in pack.namelist() if name != MANIFEST}
        manifest = json.loads(pack.read(MANIFEST))
    change(files, manifest)
    with zipfile.ZipFile(target, "w") as pack:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777 if name.endswith("link") else stat.S_IFREG | mode) << 16
            pack.writestr(entry, data)
        pack.writestr(MANIFEST, json.dumps(manifest))
    return target


def add(name: str, data: bytes = b"x") -> Callable[[dict[str, bytes], dict], None]:
    import hashlib

    def change(files: dict[str, bytes], manifest: dict) -> None:
        files[name] = data
        manifest["files"][name] = (len(data), hashlib.sha256(data).hexdigest())

    return change


def damage(files: dict[str, bytes], _manifest: dict) -> None:
    files["site/piers.md"] = b"another text"


def lose(files: dict[str, bytes], _manifest: dict) -> None:
    del files["site/piers.md"]


def newer(_files: dict[str, bytes], manifest: dict) -> None:
    manifest["format"] = 99


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (add("site/../../out.txt"), "no plain file"),
        (add("/etc/out.txt"), "no plain file"),
        (add("site\\..\\out.txt"), "no plain file"),
        (add("site/link", b"/etc/passwd"), "no plain file"),
        (add("C:/out.txt"), "no plain file"),
        (damage, "is not what its manifest says"),
        (lose, "does not hold the files"),
        (newer, "upgrade distributor"),
    ],
)
def test_a_backup_that_is_not_as_it_should_be_changes_nothing(
    site: Scheduled, tmp_path: Path, change: Callable[[dict[str, bytes], dict], None], words: str
) -> None:
    file = tmp_path / "site.zip"
    site.desk.backup(file)
    bad = rewritten(file, tmp_path / "bad.zip", change)
    from distributor.desk.restore import restore

    with pytest.raises(ActionError, match=words):
        restore(bad, tmp_path / "new", site.clock, replace=False)
    assert not (tmp_path / "out.txt").exists()
    assert not (tmp_path / "new").exists() or list((tmp_path / "new").iterdir()) == []


def test_a_file_of_another_kind_and_a_file_that_is_there(site: Scheduled, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    assert run("restore", str(tmp_path / "text.zip"), str(tmp_path / "new"), clock=site.clock) == 2
    assert run("restore", str(tmp_path / "nothing.zip"), str(tmp_path / "new"), clock=site.clock) == 2
    with pytest.raises(ActionError, match="there already"):
        site.desk.backup(tmp_path / "text.zip")
    with pytest.raises(ActionError, match="public folder"):
        site.desk.backup(site.root / "public" / "site.zip")
    assert (tmp_path / "text.zip").read_text() == "no archive"


def test_a_site_of_which_nothing_was_scheduled(tmp_path: Path) -> None:
    root = sites.make(tmp_path / "site", sites.box(tmp_path / "site"))
    desk = Desk(site=Site(root), clock=SystemClock())
    assert desk.backup(tmp_path / "site.zip").store == ""
    assert run("restore", str(tmp_path / "site.zip"), str(tmp_path / "new")) == 0
    assert not (tmp_path / "new" / "var").exists()


@pytest.mark.slow
def test_a_site_on_postgresql(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (programs / name).write_text(
            f'#!/bin/sh\nLD_LIBRARY_PATH="{postgres.env["LD_LIBRARY_PATH"]}" exec "{postgres.bin}/{name}" "$@"\n'
        )
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(sites, "store", postgres.database())
    root = sites.make(tmp_path / "site", sites.box(tmp_path / "site"))
    desk = Desk(site=Site(root), clock=SystemClock())
    desk.schedule(sites.release(root, datetime.now(UTC) + timedelta(hours=1)))
    assert desk.backup(tmp_path / "site.zip").store == "postgresql"
    assert run("restore", str(tmp_path / "site.zip"), str(tmp_path / "new")) == 2  # its database holds a ledger
    other = rewritten(tmp_path / "site.zip", tmp_path / "moved.zip", _other_database(postgres.database()))
    assert run("restore", str(other), str(tmp_path / "new")) == 0
    back = Desk(site=Site(tmp_path / "new"), clock=SystemClock())
    assert states(back) == {"planned"}
    assert back.restored()


def _other_database(url: str) -> Callable[[dict[str, bytes], dict], None]:
    def change(files: dict[str, bytes], manifest: dict) -> None:
        config = files["site/config/distributor.toml"].decode().replace(sites.store, url)
        add("site/config/distributor.toml", config.encode())(files, manifest)

    return change
