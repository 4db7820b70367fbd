"""Handing a mail to a server, step by step, so that the step in which it failed is known.

Only what happens after the final dot can be in doubt (RFC 1047): a connection lost before it has certainly delivered
nothing, an answer is an answer, and silence after it may be either.
"""

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import aiosmtplib
from aiosmtplib import SMTPResponse

from distributor.contract import DeliveryError, InDoubt, Refused, Throttled, Unauthorized, Unavailable, Unsupported
from distributor.errors import ConfigError
from distributor.text.said import said

from .server import Server

_DOT = re.compile(rb"^\.", re.MULTILINE)
_PAUSE = timedelta(minutes=5)  #: after a 4xx: greylisting lasts one to five minutes
_BAD_LOGIN = frozenset({530, 534, 535, 538})  # RFC 4954 §6
_LOST = (aiosmtplib.SMTPException, OSError)  #: what a client raises when there is no answer; includes TimeoutError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds (RFC 5321 §4.5.3.2). A short one for the final dot would itself make mails that arrive twice."""

    connect: float = 60.0
    command: float = 300.0
    data: float = 120.0
    body: float = 180.0
    dot: float = 600.0


@dataclass
class Sender:
    """One kept connection to one server; whoever sends waits for its turn."""

    server: Server
    helo: str  #: how we call ourselves: a domain
    timeouts: Timeouts
    _client: aiosmtplib.SMTP | None = field(default=None, init=False, repr=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def send(self, *, sender: str, recipient: str, wire: bytes) -> str:
        """Hand over `wire` (CRLF line ends) and return the server's answer.

        Raises DeliveryError: InDoubt only when the final dot was written and no answer came.
        """
        async with self._turn:
            try:
                client = await self._begin(sender, recipient, len(wire))
                with self._step("the recipient"):
                    await client.rcpt(recipient, encoding="utf-8", timeout=self.timeouts.command)
                return await self._data(client, wire)
            except (Refused, Throttled, Unsupported):
                await self._reset()
                raise
            except BaseException:
                self._drop()
                raise

    async def close(self) -> None:
        """Say goodbye and close; the next `send` opens a new connection."""
        async with self._turn:
            if self._client and self._client.is_connected:
                with suppress(*_LOST):
                    await self._client.quit(timeout=5.0)
            self._drop()

    async def _begin(self, sender: str, recipient: str, size: int) -> aiosmtplib.SMTP:
        """MAIL on the kept connection, or on a new one where the server has closed that in the meantime."""
        if self._client and self._client.is_connected:
            try:
                with self._step("the sender"):
                    await self._mail(self._client, sender, recipient, size)
            except Unavailable:
                self._drop()
            else:
                return self._client
        self._client = await self._open()
        with self._step("the sender"):
            await self._mail(self._client, sender, recipient, size)
        return self._client

    async def _mail(self, client: aiosmtplib.SMTP, sender: str, recipient: str, size: int) -> None:
        options = []
        if client.supports_extension("size"):  # RFC 1870: learnt before the body has travelled
            limit = client.esmtp_extensions["size"]
            if limit.isdecimal() and 0 < int(limit) < size:
                raise Refused(f"the mail has {size} bytes; {self._host} takes at most {limit}")
            options.append(f"SIZE={size}")
        if not recipient.isascii():  # RFC 6531 §3.4
            if not client.supports_extension("smtputf8"):
                raise Unsupported(f"{self._host} does not take the address {recipient}: it offers no SMTPUTF8")
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        await client.mail(sender, options=options, timeout=self.timeouts.command)

    async def _data(self, client: aiosmtplib.SMTP, wire: bytes) -> str:
        with self._step("the message"):
            ready = await client.execute_command(b"DATA", timeout=self.timeouts.data)
            if ready.code != 354:
                raise aiosmtplib.SMTPDataError(ready.code, ready.message)
            await self._body(client, _DOT.sub(b"..", wire))
            self._write(client, b".\r\n")
        try:
            if client.protocol is None:
                raise aiosmtplib.SMTPServerDisconnected("connection lost")
            answer = await client.protocol.read_response(timeout=self.timeouts.dot)
        except _LOST as error:
            raise InDoubt(f"{self._host} gave no answer to the message: {type(error).__name__}") from None
        if 200 <= answer.code < 300:
            return f"{answer.code} {self._said(answer)}"
        raise self._outcome(answer, "the message") or InDoubt(f"{self._host} answered {answer.code} to the message")

    async def _body(self, client: aiosmtplib.SMTP, wire: bytes) -> None:
        """Everything but the dot, until it has left this process: a server that hangs up here has taken nothing."""
        self._write(client, wire)
        pipe = cast("asyncio.WriteTransport", client.transport)
        async with asyncio.timeout(self.timeouts.body):
            await asyncio.sleep(0)
            while client.is_connected and pipe.get_write_buffer_size():  # noqa: ASYNC110  it tells nobody it is empty
                await asyncio.sleep(0.005)

    def _write(self, client: aiosmtplib.SMTP, data: bytes) -> None:
        if client.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        client.protocol.write(data)

    async def _open(self) -> aiosmtplib.SMTP:
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
        return client

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
            raise outcome(f"{self._host} refused the login: {error.code} {self._said(error)}") from None
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
        """A step before the final dot: whatever fails in it, nothing was delivered."""
        try:
            yield
        except aiosmtplib.SMTPResponseException as error:
            known = self._outcome(error, what)
            # A server that turns the connection away has said nothing about the mail.
            if known is None or isinstance(error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPHeloError):
                raise Unavailable(f"{self._host} answered {error.code} to {what}: {self._said(error)}") from None
            raise known from None
        except _LOST as error:
            raise Unavailable(f"{what} with {self._host} failed, nothing was sent: {_name(error)}") from None

    def _outcome(self, answer: SMTPResponse | aiosmtplib.SMTPResponseException, what: str) -> DeliveryError | None:
        """What a refusal means; None for an answer that is none of SMTP's."""
        text = f"{self._host} refused {what}: {answer.code} {self._said(answer)}"
        if answer.code == 421:
            return Unavailable(text)
        if 400 <= answer.code < 500:
            return Throttled(text, until=datetime.now(UTC) + _PAUSE)
        if answer.code in _BAD_LOGIN:
            return Unauthorized(text)
        return Refused(text) if 500 <= answer.code < 600 else None

    def _said(self, answer: SMTPResponse | aiosmtplib.SMTPResponseException) -> str:
        hidden: list[str] = []
        with suppress(Unauthorized):
            password = self._password()
            login = f"\0{self.server.user}\0{password}"
            hidden = [password, *(base64.b64encode(text.encode()).decode() for text in (password, login))]
        return said(answer.message, hide=hidden)

    async def _reset(self) -> None:
        """End a refused transaction, so that the connection can serve the next."""
        try:
            if self._client and self._client.is_connected:
                await self._client.rset(timeout=self.timeouts.command)
        except _LOST:
            self._drop()

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client:
            _cut(client)

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
