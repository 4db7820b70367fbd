"""Requests on disk, and how long the other side wants us to wait."""

import asyncio
import contextlib
import gzip
import re
import ssl
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from distributor.http import Answer, Http, Request, engine, read_local, retry_after, write_local
from distributor.http.address import is_public
from distributor.outcomes import InDoubt, Refused, Unauthorized, Unavailable

NOW = datetime(2030, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize("body", [b'{"status":"\xe6\xb8\xaf"}', b"", b"\xff\xfe\x00 not text"])
def test_a_written_request_gives_its_body_back(tmp_path: Path, body: bytes) -> None:
    path = write_local(tmp_path, "k" * 32, Request(method="POST", url="https://x.example", body=body))
    assert read_local(path) == body
    assert read_local(tmp_path / "none.json") is None


@pytest.mark.parametrize("key", ["../../evil", "a/b", "", "a\x00b"])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(Refused):
        write_local(tmp_path / "outbox", key, Request(method="POST", url="https://x.example"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["inf", "nan", "1e30", "99999999999999", "-5", "soon", ""])
def test_a_nonsense_wait_says_nothing(value: str) -> None:
    assert retry_after({"retry-after": value}, NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2.5", 2.5), ("Tue, 05 Mar 2030 00:05:00 GMT", 300), (str(int(NOW.timestamp()) + 60), 60), ("999999", 86400)],
)
def test_a_wait_is_read_in_every_form_and_never_longer_than_a_day(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, NOW) == NOW + timedelta(seconds=seconds)


# ── on the wire ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Raw:
    """Answers every request with the same bytes; `after` closes so many seconds after each answer."""

    def __init__(self, answer: bytes | None, after: float | None = None) -> None:
        self.answer, self.after = answer, after
        self.requests: list[bytes] = []
        self.tasks: list[Any] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.connections = 0

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        self.writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
                self.requests.append(head + await reader.readexactly(length))
                if self.answer is None:
                    break
                writer.write(self.answer)
                await writer.drain()
                if self.after is not None:
                    await asyncio.sleep(self.after)
                    break
        writer.close()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        finally:
            server.close()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            for writer in self.writers:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def send(raw: Raw, *, times: int = 1, at_once: bool = False, pause: float = 0.0) -> list[Answer | BaseException]:
    """Send the same POST several times through one client."""

    async def work() -> list[Answer | BaseException]:
        http = Http()
        async with raw.serve() as url:
            request = Request(method="POST", url=url, body=b"once")
            try:
                if at_once:
                    return list(await asyncio.gather(*(http.send(request) for _ in range(times))))
                answers: list[Answer | BaseException] = []
                for _ in range(times):
                    answers += await asyncio.gather(http.send(request), return_exceptions=True)
                    await asyncio.sleep(pause)
                return answers
            finally:
                await http.close()

    return asyncio.run(work())


def test_one_connection_serves_many_requests() -> None:
    raw = Raw(OK)
    assert [answer.status for answer in send(raw, times=5) if isinstance(answer, Answer)] == [200] * 5
    assert raw.connections == 1
    assert all(request.endswith(b"once") for request in raw.requests)


def test_many_at_once_are_each_sent_once() -> None:
    raw = Raw(OK)
    assert len(send(raw, times=200, at_once=True)) == 200
    assert len(raw.requests) == 200


def test_a_server_that_goes_away_before_it_answers_leaves_a_doubt_and_no_repeat() -> None:
    raw = Raw(None)
    [answer] = send(raw)
    assert isinstance(answer, InDoubt)
    assert len(raw.requests) == 1


def test_an_idle_connection_that_was_closed_never_makes_two_posts() -> None:
    """Either it is sent anew on a fresh connection, or it is said that nobody knows; never silently twice."""
    raw = Raw(OK, after=0.05)
    answers = send(raw, times=4, pause=0.2)
    assert len(raw.requests) == sum(isinstance(answer, Answer) for answer in answers)
    assert all(isinstance(answer, Answer | InDoubt) for answer in answers)


def test_nobody_there_means_nothing_was_written() -> None:
    async def work() -> None:
        http = Http()
        with pytest.raises(Unavailable):
            await http.send(Request(method="POST", url="http://127.0.0.1:9/", body=b"x"), bearer="hunter2-secret")
        await http.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", gzip.compress(b"{}", mtime=0)),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    ],
)
def test_answers_in_every_form(answer: bytes, body: bytes) -> None:
    if body != b"{}":
        answer = answer % len(body) + body
    [got] = send(Raw(answer))
    assert isinstance(got, Answer)
    assert got.body == b"{}"


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_broken_answer_leaves_a_doubt(answer: bytes) -> None:
    raw = Raw(answer, after=0.01)
    [got] = send(raw)
    assert isinstance(got, InDoubt)
    assert len(raw.requests) == 1


def test_an_endless_answer_is_cut_off() -> None:
    raw = Raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000, after=0.2)
    [got] = send(raw)
    assert isinstance(got, Answer)
    assert len(got.body) < 1_500_000


def _packed(data: bytes, *codings: str) -> bytes:
    for coding in codings:
        data = gzip.compress(data, mtime=0) if coding == "gzip" else zlib.compress(data, 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {', '.join(codings)}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


@pytest.mark.parametrize(
    ("codings", "length"),
    [
        (("gzip",), 1_000_000),
        (("deflate",), 1_000_000),
        (("gzip", "gzip"), 0),
        (("gzip", "gzip", "gzip"), 0),
        (("gzip", "deflate"), 0),
    ],
    ids=["gzip", "deflate", "gzip-gzip", "gzip-gzip-gzip", "gzip-deflate"],
)
def test_a_packed_answer_never_fills_the_memory(codings: tuple[str, ...], length: int) -> None:
    """50 MB, packed as often as it says: what is kept is bounded as it is decoded, not as it travels."""
    raw = Raw(_packed(bytes(50_000_000), *codings), after=0.2)
    tracemalloc.start()
    [got] = send(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(got, Answer)
    assert (got.status, len(got.body)) == (200, length)
    assert peak < 20_000_000  # the modules that are imported meanwhile included


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "x-unknown", "gzip;q=1"])
def test_an_answer_packed_as_nobody_asked_is_not_read(coding: str) -> None:
    head = f"HTTP/1.1 201 Created\r\nContent-Encoding: {coding}\r\nContent-Length: 2\r\n\r\n{{}}"
    [got] = send(Raw(head.encode()))
    assert isinstance(got, Answer)
    assert (got.status, got.body) == (201, b"")


def test_a_damaged_packed_answer_is_not_read() -> None:
    answer = bytearray(_packed(b"{}" * 1000, "gzip"))
    answer[-20:-10] = b"x" * 10
    [got] = send(Raw(bytes(answer)))
    assert isinstance(got, Answer)
    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("hub.example", True),  # judged by what it resolves to
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b:1::a00:1", False),
        ("2002:7f00:1::", False),
        ("2002:a00:1::1", False),
        ("2001:0:7f00:1::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("ff0e::1", False),
        ("100::1", False),
        ("2001:db8::1", False),
        ("2001:10::1", False),
        ("5f00::1", False),
    ],
)
def test_which_addresses_the_internet_reaches(host: str, public: bool) -> None:
    assert is_public(host) is public


def test_a_header_that_would_break_the_request_is_never_sent() -> None:
    async def work() -> Raw:
        raw, http = Raw(OK), Http()
        async with raw.serve() as url:
            evil = Request(method="POST", url=url, headers=(("X", "a\r\nEvil: 1"),), body=b"x")
            with pytest.raises(Unauthorized):
                await http.send(evil)
            await http.close()
        return raw

    assert asyncio.run(work()).requests == []


def test_an_answer_that_never_comes_leaves_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_ANSWER", 0.3)
    raw = Raw(b"")  # takes the request, says nothing, stays
    [answer] = send(raw)
    assert isinstance(answer, InDoubt)
    assert len(raw.requests) == 1


def test_a_certificate_that_nobody_vouches_for_gets_nothing(certificate: Path) -> None:
    """Certainly nothing was written: the request does not leave before the server has proved who it is."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    got: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(1000))
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        http = Http()
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(Unavailable):
            await http.send(Request(method="POST", url=url, body=b"secret"), bearer="token")
        await http.close()
        server.close()

    asyncio.run(work())
    assert got == []
