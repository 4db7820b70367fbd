"""The built-in server: the folder's bytes, RFC 9110, and one answer for whatever is not there."""

import asyncio
import gzip
import hashlib
from pathlib import Path
from typing import Any

import brotli
import pytest

from distributor import public
from distributor.cli.folder import Public

FEED = (
    b'<?xml version="1.0"?><rss><channel><atom:link href="https://n.example/feed.xml" rel="self"/>'
    b'<atom:link href="https://hub.example/?a=1&amp;b=2" rel="hub"/>' + b"<item/>" * 3_000 + b"</channel></rss>"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "public"
    public.put(root / "feed.xml", FEED)
    public.put(
        root / "feed.json",
        b'{"feed_url": "https://n.example/feed.json", "hubs": [{"type": "WebSub", "url": "https://hub.example/"}]}',
    )
    public.put(root / "tour" / "index.html", b"<h1>Tour</h1>" + b"x" * 5_000)
    public.put(root / "media" / "0123" / "a.jpg", bytes(range(256)))
    (root / ".half-written").write_bytes(b"secret")
    return root


def ask(app: Public, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": fields}, None, send))
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


def test_a_feed_names_its_hub_and_itself_and_is_what_it_is(folder: Path) -> None:
    status, headers, body = ask(Public(folder), "/feed.xml")
    assert (status, body) == (200, FEED)
    assert headers["content-type"] == "application/rss+xml; charset=utf-8"
    assert headers["link"] == '<https://hub.example/?a=1&b=2>; rel="hub", <https://n.example/feed.xml>; rel="self"'
    assert headers["vary"] == "Accept-Encoding"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(FEED)
    status, headers, _ = ask(Public(folder), "/feed.json")
    assert headers["content-type"].startswith("application/feed+json")
    assert headers["link"] == '<https://hub.example/>; rel="hub", <https://n.example/feed.json>; rel="self"'


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br, gzip", "br"),
        ("gzip;q=0", None),
        ("identity", None),
        ("br;q=0, gzip", "gzip"),
        ("x-gzipped", None),
    ],
)
def test_codings_have_etags_of_their_own(folder: Path, accepted: str, coding: str | None) -> None:
    app = Public(folder)
    _, plain, _ = ask(app, "/feed.xml")
    status, headers, body = ask(app, "/feed.xml", accept_encoding=accepted)
    assert status == 200
    assert headers.get("content-encoding") == coding
    assert {None: lambda b: b, "gzip": gzip.decompress, "br": brotli.decompress}[coding](body) == FEED
    assert (headers["etag"] == plain["etag"]) is (coding is None)
    assert headers["etag"] == f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    assert ask(app, "/feed.xml", accept_encoding=accepted, if_none_match=headers["etag"])[0] == 304


def test_conditional_requests(folder: Path) -> None:
    app = Public(folder)
    _, headers, _ = ask(app, "/feed.xml")
    tag, date = headers["etag"], headers["last-modified"]
    for asked, status in [
        ({"if_none_match": tag}, 304),
        ({"if_none_match": f'"other", W/{tag}'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"other"'}, 200),
        ({"if_modified_since": date}, 304),
        ({"if_modified_since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"if_modified_since": "nonsense"}, 200),
        ({"if_none_match": '"other"', "if_modified_since": date}, 200),  # the ETag alone counts
    ]:
        found, answer, body = ask(app, "/feed.xml", **asked)
        assert found == status, asked
        if status == 304:
            assert body == b""
            assert "content-encoding" not in answer
            assert "content-length" not in answer
            assert {"etag", "cache-control", "vary", "link"} <= set(answer)


def test_head_is_get_without_the_body(folder: Path) -> None:
    app = Public(folder)
    for path in ("/feed.xml", "/tour", "/nothing"):
        got, head = ask(app, path), ask(app, path, "HEAD")
        assert head[:2] == got[:2]
        assert head[2] == b""
    assert ask(app, "/feed.xml", "POST")[0] == 405


@pytest.mark.parametrize(
    ("asked", "status", "piece"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=250-", 206, slice(250, 256)),
        ("bytes=-6", 206, slice(250, 256)),
        ("bytes=10-9999", 206, slice(10, 256)),
        ("bytes=256-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-3", 200, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
    ],
)
def test_ranges_of_a_picture(folder: Path, asked: str, status: int, piece: slice | None) -> None:
    found, headers, body = ask(Public(folder), "/media/0123/a.jpg", range=asked)
    assert found == status
    assert body == (b"" if piece is None else bytes(range(256))[piece])
    assert int(headers["content-length"]) == len(body)
    if status == 200:
        assert "immutable" in headers["cache-control"]


LOST = ["/", "/media", "/media/", "/media/0123/", "/.half-written", "/../secret", "/tour/x", "/nothing", "/feed.xml/", "/feed.xml.gz",
        "/\x00", "/\udcff", "/a\\b", "/tour/.hidden", "//etc/passwd", "/404", "/x.html",
        f"/{'x' * 300}", f"/tour/{'x' * 300}", f"/{'x' * 5_000}"]  # fmt: skip


def test_whatever_is_not_there_has_one_answer(folder: Path) -> None:
    (folder.parent / "secret").write_bytes(b"secret")
    app = Public(folder)
    answers = {repr(ask(app, path, accept_encoding="br, gzip")) for path in LOST}
    assert len(answers) == 1
    status, headers, _ = ask(app, "/nothing")
    assert status == 404
    assert headers["cache-control"] == "no-store"
    assert not {"etag", "last-modified"} & set(headers)


def test_what_changes_is_seen_at_once_and_what_goes_is_gone(folder: Path) -> None:
    app = Public(folder)
    before = ask(app, "/tour", accept_encoding="gzip")
    public.put(folder / "tour" / "index.html", b"<h1>Turn</h1>" + b"x" * 5_000)
    after = ask(app, "/tour", accept_encoding="gzip")
    assert gzip.decompress(after[2]).startswith(b"<h1>Turn")
    assert before[1]["etag"] != after[1]["etag"]
    public.remove(folder / "tour" / "index.html")
    assert ask(app, "/tour", accept_encoding="gzip")[0] == 404


def test_a_newsroom_may_lie_deeper_than_its_host(folder: Path) -> None:
    app = Public(folder, "/press")
    assert ask(app, "/press/tour")[2] == ask(app, "/tour")[2]
    assert ask(app, "/presstour")[0] == 404


def test_a_file_that_shrinks_leaves_no_stale_variant(folder: Path) -> None:
    app = Public(folder)
    for items in (3_000, 1_000, 3):
        data = b"<rss>" + b"<item/>" * items + b"</rss>"
        public.put(folder / "feed.xml", data)
        _, headers, body = ask(app, "/feed.xml", accept_encoding="br, gzip")
        coding = headers.get("content-encoding")
        assert coding == {3_000: "br", 1_000: "gzip", 3: None}[items]
        assert {None: lambda b: b, "gzip": gzip.decompress, "br": brotli.decompress}[coding](body) == data
    assert sorted(path.name for path in folder.glob("feed.xml*")) == ["feed.xml"]


def test_two_builds_in_a_second_differ_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    seconds = []
    for text in (b"one", b"two", b"six"):
        assert public.put(path, text)
        seconds.append(int(path.stat().st_mtime))
    assert not public.put(path, b"six")
    assert len(set(seconds)) == 3
