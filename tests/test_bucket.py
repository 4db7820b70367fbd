"""The copy of the public folder: what is new goes there once, in an order that never names what is missing."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from lxml import etree

from distributor import public
from distributor.contract import Channel, Kit, Refused, Unauthorized, Unavailable
from distributor.errors import ConfigError
from distributor.release import Release
from tests.servers.http import LoopbackServer, Received, Reply, say

KEYS = {"access_key": {"env": "PRESS_S3_ACCESS"}, "secret_key": {"env": "PRESS_S3_SECRET"}}


class S3(LoopbackServer):
    """One bucket, addressed by path."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, Received] = {}

    def answer(self, request: Received) -> Reply:
        if "Credential=minnow/" not in request.headers.get("authorization", ""):
            return Reply(status=403, body=b"<Error><Code>InvalidAccessKeyId</Code></Error>")
        path, _, query = request.path.partition("?")
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if bucket != "press":
            return Reply(status=404, body=b"<Error><Code>NoSuchBucket</Code></Error>")
        if request.method == "PUT":
            self.objects[key] = request
            return Reply(headers={"ETag": '"1"'})
        assert (request.method, query) == ("POST", "delete")
        gone = [key.text or "" for key in etree.fromstring(request.body).iterfind(".//{*}Key")]
        for name in gone:
            self.objects.pop(name, None)
        said = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in gone)
        return Reply(body=f"<DeleteResult>{said}</DeleteResult>".encode())


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    monkeypatch.setenv("PRESS_S3_ACCESS", "minnow")
    monkeypatch.setenv("PRESS_S3_SECRET", "swordfish")
    with S3() as server:
        yield server


def copy(channel: Channel, sample: Release, kit: Kit) -> str:
    [message] = channel.render(sample, kit)
    return asyncio.run(channel.deliver(message, message.recipients[0], "k")).detail


def publish(make_channel: Callable[..., Any], sample: Release, kit: Kit) -> Path:
    for name in ("newsroom", "rss"):
        channel = make_channel(name)
        for message in channel.render(sample, kit):
            asyncio.run(channel.deliver(message, message.recipients[0], "k"))
    return Path(channel.places.public)


def test_a_bucket_holds_what_is_public_and_only_what_changed_is_sent(
    make_channel: Callable[..., Any], sample: Release, kit: Kit, s3: S3
) -> None:
    root = publish(make_channel, sample, kit)
    (root / ".half-written").write_text("secret")
    bucket = make_channel("bucket", bucket="press", prefix="news", endpoint=s3.url, **KEYS)
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix not in (".gz", ".br") and not path.name.startswith(".")
    }
    assert copy(bucket, sample, kit) == f"{len(files)} files copied"
    assert {key: request.body for key, request in s3.objects.items()} == {f"news/{path}": files[path] for path in files}
    feed, page = s3.objects["news/feed.xml"].headers, s3.objects["news/harbour-line-opening/index.html"].headers
    assert feed["content-type"] == "application/rss+xml; charset=utf-8"
    assert feed["cache-control"].startswith("public, max-age=60")
    assert page["content-type"] == "text/html; charset=utf-8"
    order = [unquote(request.path) for request in s3.received]
    assert max(n for n, path in enumerate(order) if "/media/" in path) < order.index(
        "/press/news/harbour-line-opening/index.html"
    )
    assert order.index("/press/news/harbour-line-opening/index.html") < order.index("/press/news/feed.xml")
    s3.received.clear()
    assert copy(bucket, sample, kit) == "0 files copied"
    assert s3.received == []
    public.put(root / "feed.xml", b"<rss>new</rss>")
    public.remove(root / "harbour-line-opening" / "release.txt")
    assert copy(bucket, sample, kit) == "1 file copied, 1 removed"
    assert s3.objects["news/feed.xml"].body == b"<rss>new</rss>"
    assert "news/harbour-line-opening/release.txt" not in s3.objects


def test_a_copy_that_failed_goes_on_where_it_stopped(
    make_channel: Callable[..., Any], sample: Release, kit: Kit, s3: S3
) -> None:
    root = publish(make_channel, sample, kit)
    bucket = make_channel("bucket", bucket="press", endpoint=s3.url, **KEYS)
    s3.fault_for = lambda request: request.path.endswith("/harbour-line-opening/index.html")  # type: ignore[method-assign]
    s3.faults += [say(Reply(status=400))]
    with pytest.raises(Unavailable, match="harbour-line-opening"):
        copy(bucket, sample, kit)
    assert "feed.xml" not in s3.objects  # nothing names a page that is not there
    sent = len(s3.objects)
    detail = copy(bucket, sample, kit)
    assert "feed.xml" in s3.objects
    assert int(detail.split()[0]) + sent == len(s3.objects)
    notes = json.loads((root.parent / "var" / "bucket" / "bucket.json").read_bytes())
    assert set(notes["files"]) == set(s3.objects)


def test_what_a_bucket_may_refuse(
    make_channel: Callable[..., Any], sample: Release, kit: Kit, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(make_channel, sample, kit)
    with pytest.raises(Refused, match="no such bucket"):
        copy(make_channel("bucket", bucket="nowhere", endpoint=s3.url, **KEYS), sample, kit)
    monkeypatch.setenv("PRESS_S3_ACCESS", "whale")
    with pytest.raises(Unauthorized) as refused:
        copy(make_channel("bucket", bucket="press", endpoint=s3.url, **KEYS), sample, kit)
    assert "swordfish" not in str(refused.value)
    monkeypatch.delenv("PRESS_S3_SECRET")
    channel = make_channel("bucket", bucket="press", endpoint=s3.url, **KEYS)
    assert channel.destination.missing == ("environment variable PRESS_S3_SECRET",)
    with pytest.raises(Unauthorized, match="PRESS_S3_SECRET"):
        copy(channel, sample, kit)


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"bucket": "press"}, "needs both"),
        ({"bucket": "press", "folder": "/srv", **KEYS}, "choose one"),
        ({"folder": "srv"}, "must begin with /"),
        ({"bucket": "press", "endpoint": "http://minio.example", **KEYS}, "https"),
    ],
)
def test_a_block_that_cannot_be_right(make_channel: Callable[..., Any], keys: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        make_channel("bucket", **keys)


def test_a_directory_becomes_the_same_folder(
    make_channel: Callable[..., Any], sample: Release, kit: Kit, tmp_path: Path
) -> None:
    root = publish(make_channel, sample, kit)
    channel = make_channel("bucket", folder=str(tmp_path / "www"))
    copy(channel, sample, kit)

    def tree(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert tree(tmp_path / "www") == tree(root)
    public.remove(root / "feed.xml")
    assert channel.rebuild(kit) == 1
    assert tree(tmp_path / "www") == tree(root)
