"""Handing mails to one server over several kept connections."""

import asyncio
import base64
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import aiosmtplib

from distributor.contract import DeliveryError, Unauthorized, Unavailable, teller
from distributor.errors import ConfigError
from distributor.text.said import said

from . import replies
from .job import Job, Offer, Timeouts
from .line import Line
from .server import Server

_LOST = (aiosmtplib.SMTPException, OSError)  #: what a client raises when there is no answer; includes TimeoutError
_GOODBYE = 2.0  #: seconds for the other side to close
_LOOK = 0.25  #: seconds between two looks at the deadlines


@dataclass
class Sender:
    """The connections to one server. A mail goes to one that is free, else waits for its turn."""

    server: Server
    helo: str  #: how we call ourselves: a domain
    timeouts: Timeouts
    connections: int = 1
    most: int | None = None  #: mails over one connection
    _lines: set[Line] = field(default_factory=set, init=False, repr=False)
    _idle: dict[Line, None] = field(default_factory=dict, init=False, repr=False)
    _waiting: deque[Job] = field(default_factory=deque, init=False, repr=False)
    _opening: set[asyncio.Task[None]] = field(default_factory=set, init=False, repr=False)
    _watch: asyncio.Task[None] | None = field(default=None, init=False, repr=False)

    @property
    def load(self) -> float:
        """How many mails wait or travel, for each connection."""
        return (len(self._waiting) + len(self._lines) - len(self._idle)) / self.connections

    async def send(self, *, sender: str, recipient: str, wire: bytes) -> str:
        """Hand over `wire` (CRLF line ends) and return the server's answer.

        Raises DeliveryError: InDoubt only when the final dot was written and no answer came.
        """
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        job = Job(sender=sender, recipient=recipient, wire=wire, done=done, tell=teller())
        if self._idle:
            line = next(iter(self._idle))
            del self._idle[line]
            line.start(job)
        else:
            self._waiting.append(job)
            self._open_more()
        return await done

    async def prepare(self) -> None:
        """Open every connection that is not open yet. Raises DeliveryError where that fails."""
        missing = self.connections - len(self._lines) - len(self._opening)
        opened = await asyncio.gather(*(self._open_line() for _ in range(missing)), return_exceptions=True)
        for error in opened:
            if isinstance(error, BaseException):
                raise error

    async def close(self) -> None:
        """Say goodbye and close; the next `send` opens new connections."""
        for task in [*self._opening, *([self._watch] if self._watch else [])]:
            task.cancel()
        self._watch = None
        lines = list(self._lines)
        for line in lines:
            line.quit()
        self._idle.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await asyncio.gather(*(line.gone.wait() for line in lines))
        for line in lines:
            line.abort("closed")

    # ── connections ───────────────────────────────────────────────────────────────────────────────────────────────

    def _open_more(self) -> None:
        if len(self._lines) + len(self._opening) < min(self.connections, len(self._waiting) + len(self._lines)):
            task = asyncio.create_task(self._open_one())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open_one(self) -> None:
        try:
            await self._open_line()
        except DeliveryError as error:
            if not self._lines:
                while self._waiting:
                    self._waiting.popleft().fail(error)

    async def _open_line(self) -> None:
        client, offer = await self._connect()
        transport = cast("asyncio.WriteTransport", client.transport)
        line = Line(
            host=self._host,
            offer=offer,
            timeouts=self.timeouts,
            hide=self._hidden,
            most=self.most,
            more=self._more,
            idle=self._free,
            lost=self._lost,
        )
        transport.set_protocol(line)  # what was learnt by asking is known; from here on we speak ourselves
        line.take(transport)
        self._lines.add(line)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._keep_time())
        if job := self._more(line):
            line.start(job)
        else:
            self._free(line)

    def _free(self, line: Line) -> None:
        self._idle[line] = None

    def _more(self, line: Line) -> Job | None:
        self._idle.pop(line, None)
        while self._waiting:
            job = self._waiting.popleft()
            if not job.done.done():
                return job
        return None

    def _lost(self, line: Line, job: Job | None) -> None:
        self._lines.discard(line)
        self._idle.pop(line, None)
        if job:
            self._waiting.appendleft(job)
        if self._waiting:
            self._open_more()

    async def _keep_time(self) -> None:
        """Close a line whose answer is overdue."""
        loop = asyncio.get_running_loop()
        while self._lines:
            await asyncio.sleep(min(_LOOK, self.timeouts.command / 4, self.timeouts.dot / 4))
            for line in list(self._lines):
                if loop.time() > line.deadline:
                    line.abort("it gave no answer in time")

    # ── the way in ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _connect(self) -> tuple[aiosmtplib.SMTP, Offer]:
        """A connection that is encrypted as the config asks and logged in."""
        client = aiosmtplib.SMTP(
            hostname=self.server.host,
            port=self.server.port,
            local_hostname=self.helo,
            use_tls=self.server.tls == "tls",
            start_tls=False,
            timeout=self.timeouts.command,
        )
        password = self._password()
        try:
            with self._step("the connection"):
                await client.connect(timeout=self.timeouts.connect)
                await self._hello(client)
                if self.server.tls == "starttls":
                    await self._encrypt(client)
            if self.server.user:
                await self._login(client, self.server.user, password)
        except BaseException:
            _cut(client)
            raise
        size = client.esmtp_extensions.get("size", "") if client.supports_extension("size") else None
        return client, Offer(
            pipelining=client.supports_extension("pipelining"),
            smtputf8=client.supports_extension("smtputf8"),
            size=None if size is None else int(size) if size.isdecimal() else 0,
        )

    async def _hello(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()

    async def _encrypt(self, client: aiosmtplib.SMTP) -> None:
        if not client.supports_extension("starttls"):
            raise Unavailable(
                f"{self._host} offers no encryption (STARTTLS), so nothing was sent; "
                "use smtps:// if it encrypts from the first byte"
            )
        await client.starttls()
        await self._hello(client)

    async def _login(self, client: aiosmtplib.SMTP, user: str, password: str) -> None:
        try:
            await client.login(user, password)
        except aiosmtplib.SMTPAuthenticationError as error:
            outcome = Unauthorized if 500 <= error.code < 600 else Unavailable
            words = said(error.message, hide=self._hidden())
            raise outcome(f"{self._host} refused the login: {error.code} {words}") from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as error:
            raise Unavailable(f"{self._host} broke off the login: {type(error).__name__}") from None
        except aiosmtplib.SMTPException:
            raise Unauthorized(f"{self._host} offers no login that we know") from None

    def _password(self) -> str:
        if not self.server.user:
            return ""
        if self.server.password is None:
            raise Unauthorized(f"no password is configured for {self._host}")
        try:
            return self.server.password.reveal()
        except (ConfigError, OSError, UnicodeDecodeError):
            raise Unauthorized(f"the password for {self._host} cannot be read; run distributor doctor") from None

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        """Before the first mail: whatever fails, nothing was sent."""
        try:
            yield
        except aiosmtplib.SMTPResponseException as error:
            words = said(error.message, hide=self._hidden())
            known = replies.outcome(error.code, words.encode(), host=self._host, what=what, hide=self._hidden())
            # A server that turns the connection away has said nothing about the mail.
            turned = isinstance(error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPHeloError)
            if known is None or turned:
                raise Unavailable(f"{self._host} answered {error.code} to {what}: {words}") from None
            raise known from None
        except _LOST as error:
            raise Unavailable(f"{what} with {self._host} failed, nothing was sent: {_name(error)}") from None

    def _hidden(self) -> list[str]:
        """What no answer may echo."""
        with suppress(Unauthorized):
            password = self._password()
            login = f"\0{self.server.user}\0{password}"
            return [password, *(base64.b64encode(text.encode()).decode() for text in (password, login))]
        return []

    @property
    def _host(self) -> str:
        return f"{self.server.host}:{self.server.port}"


def _cut(client: aiosmtplib.SMTP) -> None:
    """Close at once: what still waits to be written must not leave."""
    if client.transport:
        cast("asyncio.WriteTransport", client.transport).abort()
    client.close()


def _name(error: BaseException) -> str:
    """What failed, in words where the system has some."""
    cause = error.__cause__ or error
    return str(getattr(cause, "strerror", None) or type(cause).__name__)
