"""One click takes somebody off the list, a look does not (RFC 8058), and nobody else's line is lost."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.email.tokens import Tokens
from distributor import presslist
from distributor.cli import leaving
from distributor.cli.folder import Public
from distributor.clock import SystemClock
from distributor.desk import Desk
from distributor.presslist import Suppressions
from distributor.site import Site
from tests import sites

NOW = datetime(2030, 3, 1, 8, 0, tzinfo=UTC)
SECRET = "a secret of the press office"
BLOCK = """
[channels.mail]
type = "email"
sender = "Press <press@lam.example>"
to = ["Wan <wan@post.example>", "Ada <ada@ferry.example>"]
mail_key = { env = "MAIL_KEY" }
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAIL_KEY", SECRET)
    return sites.make(tmp_path / "site", BLOCK)


def ask(root: Path, path: str, method: str = "GET", body: bytes = b"") -> tuple[int, dict[str, str], str]:
    desk = Desk(site=Site(root), clock=SystemClock())
    app = leaving.in_front(Public(root / "public"), "", desk, lambda: NOW)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": []}, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"].decode()


def suppressed(root: Path) -> dict[str, str]:
    return Suppressions(root / "contacts" / "suppressed.csv").all()


def test_a_look_changes_nothing_and_a_post_does_once(root: Path) -> None:
    path = f"/unsubscribe/{Tokens(SECRET).leave('Wan@post.example', 'en')}"
    for method in ("GET", "HEAD", "GET"):
        status, headers, page = ask(root, path, method)
        assert status == 200
        assert suppressed(root) == {}
    assert "Shall Wan@post.example get no more releases" in page
    assert '<form method="post">' in page
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    for _ in range(2):
        status, _, page = ask(root, path, "POST", b"List-Unsubscribe=One-Click")
        assert status == 200
        assert "Wan@post.example gets no more releases" in page
    assert suppressed(root) == {"wan@post.example": "unsubscribed on 2030-03-01"}
    assert (root / "contacts" / "suppressed.csv").read_text().count("\n") == 2


def test_it_speaks_the_readers_language(root: Path) -> None:
    _, _, page = ask(root, f"/unsubscribe/{Tokens(SECRET).leave('wan@post.example', 'zh-Hant')}")
    assert 'lang="zh-Hant"' in page
    assert "wan@post.example 不再接收我們的新聞稿" in page


@pytest.mark.parametrize("token", ["", "x", "A" * 60, "../../etc/passwd", "%00", "A" * 5000, "香港"])
def test_a_link_that_is_none_of_ours(root: Path, token: str) -> None:
    for method in ("GET", "POST"):
        status, _, page = ask(root, f"/unsubscribe/{token}", method)
        assert status == 404
        assert "not one of ours" in page
    assert suppressed(root) == {}


def test_another_site_s_link_is_none_of_ours(root: Path) -> None:
    path = f"/unsubscribe/{Tokens('the secret of another office').leave('wan@post.example', 'en')}"
    assert ask(root, path, "POST")[0] == 404
    assert ask(root, "/unsubscribe/x", "DELETE")[0] == 405


def test_what_cannot_be_written_is_said(root: Path) -> None:
    (root / "contacts").write_text("a file where the folder should be")
    status, _, page = ask(root, f"/unsubscribe/{Tokens(SECRET).leave('wan@post.example', 'en')}", "POST")
    assert status == 503
    assert "try again" in page


def test_everything_else_is_the_public_folder(root: Path) -> None:
    (root / "public").mkdir(exist_ok=True)
    (root / "public" / "feed.xml").write_text("<rss/>")
    assert ask(root, "/feed.xml")[2] == "<rss/>"


def test_many_at_once_lose_no_line(tmp_path: Path) -> None:
    file = tmp_path / "contacts" / "suppressed.csv"

    def write(number: int) -> None:
        Suppressions(file).add(f"a{number}@x.example", "bounced", now=NOW, detail="5.1.1, no such user")
        if number % 5 == 0:
            Suppressions(file).remove(f"a{number}@x.example")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    assert set(Suppressions(file).all()) == {f"a{number}@x.example" for number in range(60) if number % 5}


def test_who_left_is_not_counted_the_next_time(root: Path) -> None:
    ask(root, f"/unsubscribe/{Tokens(SECRET).leave('WAN@post.example', 'en')}", "POST")
    desk = Desk(site=Site(root), clock=SystemClock())
    (one,) = desk.preview(sites.release(root, NOW)).rendered
    assert [copy.recipient.address for copy in one.copies] == ["ada@ferry.example"]
    assert one.message.meta["audience"].endswith("− 1 suppressed − 0 invalid − 0 others = 1 to send")
    assert presslist.REASONS[0] == "unsubscribed"
