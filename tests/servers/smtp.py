"""A small SMTP server on loopback for tests: it keeps every mail it takes and fails in the step it is told to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens once in one step: `greeting`, a command's name, `body` (after 354) or `dot`."""

    at: str
    reply: str = ""  #: given instead of the usual one
    drop: bool = False  #: the line goes dead, after `reply` if there is one
    silent: bool = False  #: no answer, and the line stays open


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One mail that was answered with 250, or would have been: `wire` without the dots that SMTP adds."""

    mail: str
    rcpt: str
    wire: bytes
    connection: int


class Dropped(Exception):
    """The server hangs up."""


@dataclass
class SmtpSink:
    """Runs while its `async with` block does. Every fault is used once, in the order given."""

    faults: Sequence[Fault] = ()
    extensions: tuple[str, ...] = ("8BITMIME", "SIZE 10000000")
    lenient: bool = False  #: takes DATA though no recipient was accepted
    delay: float = 0.0  #: seconds before what was read is answered: the way there and back
    bytewise: bool = False  #: answers leave one byte at a time
    taken: list[Taken] = field(default_factory=list, init=False)
    commands: list[str] = field(default_factory=list, init=False)
    connections: int = field(default=0, init=False)
    ways: int = field(default=0, init=False)  #: pieces of commands that came: as many ways there and back
    port: int = field(default=0, init=False)

    async def __aenter__(self) -> Self:
        self._left = list(self.faults)
        self._closing = asyncio.Event()
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._closing.set()
        self.hang_up()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self) -> None:
        """Drop every open line."""
        for line in self._lines:
            line.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._lines.add(writer)
        self.connections += 1
        try:
            await self._talk(reader, writer, self.connections)
        except (Dropped, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._lines.discard(writer)
            writer.transport.abort()

    async def _say(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
        """Answer one step; True when it was the usual answer."""
        fault = next((one for one in self._left if one.at == step), None)
        if fault is None:
            if usual:
                await self._write(writer, f"{usual}\r\n".encode())
            return True
        self._left.remove(fault)
        if fault.reply:
            writer.write(f"{fault.reply}\r\n".encode())
            await writer.drain()
        if fault.drop:
            raise Dropped
        if fault.silent:
            await self._closing.wait()
            raise Dropped
        return False

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        for part in [data[n : n + 1] for n in range(len(data))] if self.bytewise else [data]:
            writer.write(part)
            if self.bytewise:
                await writer.drain()
                await asyncio.sleep(0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await self._say(writer, "greeting", "220 sink.example ESMTP")
        mail = rcpt = ""
        usual = {"RSET": "250 flushed", "QUIT": "221 bye", "DATA": "354 go on", "MAIL": "250 ok", "RCPT": "250 ok"}
        usual["EHLO"] = "\r\n".join(["250-sink.example", *(f"250-{name}" for name in self.extensions), "250 HELP"])
        waiting = False
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.commands.append(line)
            verb = line[:4].upper()
            if not waiting:
                self.ways += 1
                await asyncio.sleep(self.delay)
            waiting = bool(reader._buffer)  # type: ignore[attr-defined]  # what came in one piece is one way
            answer = usual.get(verb, "502 not known")
            if verb == "DATA" and not rcpt and not self.lenient:
                answer = "503 5.5.1 need RCPT"
            if verb == "RCPT" and not mail:
                answer = "503 5.5.1 need MAIL"
            went_on = await self._say(writer, verb, answer) and answer[:3] != "503"
            if verb == "MAIL":
                mail, rcpt = (line if went_on else ""), ""
            elif verb == "RCPT":
                rcpt = line if went_on else ""
            elif verb == "DATA" and went_on:
                await self._say(writer, "body", "")
                wire = await self._body(reader)
                waiting = bool(reader._buffer)  # type: ignore[attr-defined]
                if await self._say(writer, "dot", "250 2.0.0 taken as 4711") and (wire or not self.lenient):
                    self.taken.append(Taken(mail=mail, rcpt=rcpt, wire=wire, connection=number))
            elif verb == "QUIT":
                return

    async def _body(self, reader: asyncio.StreamReader) -> bytes:
        lines = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)
