"""The files of docs/deploy do what docs/operating.md says: in the real nginx, and by systemd's own judgement."""

import asyncio
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from distributor.cli.folder import Public
from distributor.cli.main import Setting, cli, main
from tests.conftest import FakeClock

REPO = Path(__file__).parent.parent
DEPLOY = REPO / "docs" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
NOW = datetime(2030, 3, 4, 8, tzinfo=UTC)
NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
HOST = "https://newsroom.example.org"


def run(*args: str, clock: FakeClock) -> None:
    with pytest.raises(SystemExit):
        main(list(args), clock=clock)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A public folder with one release in it, and one that was withdrawn."""
    root, clock = tmp_path_factory.mktemp("deploy") / "press", FakeClock(NOW)
    run("init", str(root), clock=clock)
    config = root / "config" / "distributor.toml"
    text = config.read_text().replace("https://newsroom.tidewater.example", HOST)
    config.write_text(text.replace("# hub = ", "hub = ", 1))
    sample = (root / "releases" / "harbour-line.md").read_text()
    gone = root / "releases" / "gone.md"
    gone.write_text(sample.replace("harbour-line-opening", "withdrawn-line"))
    for name in ("harbour-line", "gone"):
        run("--site", str(root), "schedule", str(root / "releases" / f"{name}.md"), clock=clock)
    clock.step(timedelta(days=1))
    run("--site", str(root), "run", "--until-idle", clock=clock)
    run("--site", str(root), "kill", "withdrawn-line", "--yes", clock=clock)
    run("--site", str(root), "run", "--until-idle", clock=clock)
    return root / "public"


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real nginx with the block of the docs, but for its port, its folder and TLS."""
    if NGINX is None:
        pytest.skip("nginx is not installed here (apt-get install nginx-light)")
    place = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    block = re.sub(r"^ *ssl_.*\n", "", (DEPLOY / "nginx.conf").read_text(), flags=re.MULTILINE)
    block = block.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace("/srv/press/public", str(folder))
    temporary = "".join(
        f"{kind}_temp_path {place}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\nevents {{ }}\n"
    (place / "nginx.conf").write_text(f"{head}http {{ access_log off;\n{temporary}{block}}}\n")
    command = [NGINX, "-p", str(place), "-e", f"{place}/error.log", "-c", str(place / "nginx.conf")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    with subprocess.Popen(command) as process:
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(f"{address}/robots.txt")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield address
        process.terminate()


def built_in(folder: Path, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What `distributor serve` answers."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(Public(folder)({"type": "http", "method": "GET", "path": path, "headers": fields}, None, send))
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


def test_nginx_says_what_the_built_in_server_says(server: str, folder: Path) -> None:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".gz", ".br"))
    paths = [
        f"/{path.relative_to(folder)}".removesuffix("/index.html") or "/" for path in found if path.name != ".gone"
    ]
    assert {"/feed.xml", "/feed.atom", "/feed.json", "/sitemap.xml", "/harbour-line-opening"} <= set(paths)
    with httpx.Client() as client:
        for path in paths:
            if path in ("/404.html", "/410.html"):
                continue
            status, headers, body = built_in(folder, path)
            answer = client.get(server + path, headers={"Accept-Encoding": "identity"})
            assert (answer.status_code, answer.content) == (status, body), path
            for name in (
                "content-type",
                "cache-control",
                "link",
                "x-content-type-options",
                "access-control-allow-origin",
            ):
                assert answer.headers.get(name) == headers.get(name), (path, name)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/feed.xml", "application/rss+xml; charset=utf-8"),
        ("/feed.zh-hant.xml", "application/rss+xml; charset=utf-8"),
        ("/feed.atom", "application/atom+xml; charset=utf-8"),
        ("/feed.json", "application/feed+json; charset=utf-8"),
        ("/sitemap.xml", "application/xml; charset=utf-8"),
        ("/sitemap-news.xml", "application/xml; charset=utf-8"),
        ("/robots.txt", "text/plain; charset=utf-8"),
        ("/harbour-line-opening/release.txt", "text/plain; charset=utf-8"),
        ("/harbour-line-opening/", "text/html; charset=utf-8"),
    ],
)
def test_types(server: str, path: str, kind: str) -> None:
    answer = httpx.get(server + path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


def test_files_that_bear_their_hash_stay_for_ever(server: str, folder: Path) -> None:
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".webp": "image/webp"}
    for suffix, kind in kinds.items():
        path = next(path for path in (folder / "media").rglob(f"*{suffix}"))
        answer = httpx.get(f"{server}/{path.relative_to(folder)}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_hub_and_self_stand_in_one_header(server: str) -> None:
    for name in ("feed.xml", "feed.zh-hant.atom", "feed.json"):
        link = httpx.get(f"{server}/{name}").headers.get_list("link")
        assert link == [f'<https://hub.example/>; rel="hub", <{HOST}/{name}>; rel="self"']


def test_conditional_requests_and_compressed_forms(server: str) -> None:
    first = httpx.get(f"{server}/feed.xml", headers={"Accept-Encoding": "gzip"})
    assert (first.headers["content-encoding"], first.headers["vary"]) == ("gzip", "Accept-Encoding")
    for asked in (
        {"If-None-Match": first.headers["etag"], "Accept-Encoding": "gzip"},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ):
        again = httpx.get(f"{server}/feed.xml", headers=asked)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=300"


def test_what_is_not_there_and_what_was_withdrawn(server: str, folder: Path) -> None:
    for path in ("/nothing", "/nothing/at/all.html", "/feed.xml.gz", "/.gone", "/withdrawn-line/.gone", "/x.xml"):
        answer = httpx.get(server + path)
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store"), path
        assert answer.content == (folder / "404.html").read_bytes()
    for path in ("/withdrawn-line", "/withdrawn-line/", "/withdrawn-line/release.txt"):
        answer = httpx.get(server + path)
        assert (answer.status_code, answer.headers["cache-control"]) == (410, "no-store"), path
        assert answer.content == (folder / "410.html").read_bytes()
    assert httpx.get(f"{server}/404.html").status_code == 404


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_calls_a_unit_safe(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here (apt-get install systemd)")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", made.stdout + made.stderr)
    if found is None:
        pytest.skip(f"this systemd-analyze judges no file offline: {made.stderr.strip()[:100]}")
    assert float(found[1]) < 4


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_without_a_secrets_file(unit: Path) -> None:
    text = unit.read_text()
    assert re.findall(r"^EnvironmentFile=(.*)$", text, re.MULTILINE) == ["-/etc/press/secrets"]
    command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert command
    program, name, *args = shlex.split(command[1])
    assert program.endswith("/distributor")
    with click.Context(cli, obj=Setting(FakeClock(NOW))) as context:
        found = cli.get_command(context, name)
        assert found
        found.make_context(name, args, parent=context)  # every option is there and takes its value


def test_there_are_units_for_everything_that_runs() -> None:
    assert {unit.stem for unit in UNITS} == {"distributor", "distributor-desk", "distributor-serve"}
    operating = (REPO / "docs" / "operating.md").read_text()
    for path in (*UNITS, DEPLOY / "nginx.conf"):
        assert f"(deploy/{path.name})" in operating
