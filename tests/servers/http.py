"""A small strict HTTP server on loopback for tests: it records every request with its time, and can lose an answer."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came in; header names in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: datetime

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What goes back; `lost`: the request is taken, then the line goes dead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> "Reply":
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            status=status, body=json.dumps(value).encode(), headers={"Content-Type": "application/json", **names}
        )


class Refusal(Exception):
    """Raised by a server's `answer` to give this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # a hundred connections at once


class LoopbackServer:
    """Runs while its `with` block does. A subclass says what it answers; `faults` are replies to be given first.

    A fault is a function from (the request, the reply that the server would give) to the reply that goes out, so that
    it can come after the write, as a lost answer does.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.faults: list[Callable[[Received, Callable[[], Reply]], Reply]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Received) -> Reply:
        raise NotImplementedError

    def fault_for(self, request: Received) -> bool:
        """Whether the next fault is meant for this request."""
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, request: Received) -> Reply:
        with self._lock:
            self.received.append(request)

            def usual() -> Reply:
                try:
                    return self.answer(request)
                except Refusal as refusal:
                    return refusal.reply

            return self.faults.pop(0)(request, usual) if self.faults and self.fault_for(request) else usual()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:  # the client went away
                    self.close_connection = True

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                reply = server._reply(
                    Received(
                        method=self.command,
                        path=self.path,
                        headers={name.lower(): value for name, value in self.headers.items()},
                        body=body,
                        at=datetime.now(UTC),
                    )
                )
                if reply.lost:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  the base's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
                """Silent: the requests are recorded."""

        return Handler


def lose(request: Received, usual: Callable[[], Reply]) -> Reply:
    """The server does its work; the answer never arrives."""
    usual()
    return Reply(lost=True)


def say(reply: Reply) -> Callable[[Received, Callable[[], Reply]], Reply]:
    """This instead of the usual answer, and no work done."""
    return lambda request, usual: reply


def garble(request: Received, usual: Callable[[], Reply]) -> Reply:
    """The server does its work and answers with half a JSON."""
    done = usual()
    return Reply(status=done.status, body=done.body[: len(done.body) // 2], headers=done.headers)
