"""E-mail on its way: every step of SMTP that can fail, and what is said of it."""

import asyncio
import contextlib
import dataclasses
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from distributor.contract import (
    Channel,
    DeliveryError,
    InDoubt,
    Kit,
    Receipt,
    Recipient,
    Refused,
    Throttled,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from distributor.release import Release
from tests.servers.smtp import Fault, SmtpSink

SECRET = "correct-horse-battery"
KEY = "0123456789abcdef"


@pytest.fixture
def make(make_channel: Callable[..., Channel]) -> Callable[..., Channel]:
    """An email channel for a plain server on this machine."""

    def channel(port: int, **changes: Any) -> Channel:
        return make_channel("email", **{"smtp": f"smtp://127.0.0.1:{port}", "tls": "none", **changes})

    return channel


class Tried:
    """What a number of deliveries over one sink came to."""

    def __init__(self, sink: SmtpSink, results: list[Receipt | DeliveryError]) -> None:
        self.sink = sink
        self.results = results

    @property
    def only(self) -> Receipt | DeliveryError:
        (result,) = self.results
        return result


@pytest.fixture(params=["PIPELINING", "HELP"])
def offered(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def attempt(make: Callable[..., Channel], sample: Release, kit: Kit, offered: str) -> Callable[..., Tried]:
    """Deliver to the first recipient `times` times against a sink with these faults."""

    def run(
        *faults: Fault,
        times: int = 1,
        timeouts: dict[str, float] | None = None,
        extensions: tuple[str, ...] = ("8BITMIME", "SIZE 10000000"),
        user: str = "",
        **changes: Any,
    ) -> Tried:
        async def talk() -> Tried:
            async with SmtpSink(faults, extensions=(*extensions, offered)) as sink:
                smtp = f"smtp://{user}@127.0.0.1:{sink.port}" if user else f"smtp://127.0.0.1:{sink.port}"
                channel = make(sink.port, **{"smtp": smtp, **changes})
                (message,) = channel.render(sample, kit)
                if timeouts:
                    hurry(channel, **timeouts)
                results: list[Receipt | DeliveryError] = []
                for _ in range(times):
                    try:
                        results.append(await channel.deliver(message, message.recipients[0], KEY))
                    except DeliveryError as error:
                        results.append(error)
                await channel.close()
                return Tried(sink, results)

        return asyncio.run(talk())

    return run


def hurry(channel: Channel, **seconds: float) -> None:
    """Shorten the phases of a channel's connection: nobody waits ten minutes in a test."""
    shorter = dataclasses.replace(channel._timeouts, **seconds)  # type: ignore[attr-defined]  # of this type alone
    object.__setattr__(channel, "_timeouts", shorter)


# ── The happy path ──


def test_a_mail_arrives_as_it_was_composed(make: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    async def talk() -> None:
        async with SmtpSink() as sink:
            channel = make(sink.port)
            (message,) = channel.render(sample, kit)
            receipts = [await channel.deliver(message, one, KEY) for one in message.recipients]
            await channel.close()
            assert [taken.wire for taken in sink.taken] == [channel.compose(message, r) for r in message.recipients]
            assert [taken.rcpt for taken in sink.taken] == [f"RCPT TO:<{r.address}>" for r in message.recipients]
            assert sink.taken[0].mail.startswith("MAIL FROM:<press@tidewater.example> SIZE=")
            assert sink.connections == 1
            assert sink.commands[-1] == "QUIT"
            assert "4711" in receipts[0].detail
            assert len({receipt.id for receipt in receipts}) == 3
            assert channel.read_back(receipts[0]) is None

    asyncio.run(talk())


def test_a_mail_arrives_by_another_server_encrypted_and_logged_in(
    make: Callable[..., Channel], sample: Release, kit: Kit, peer: "Peer"
) -> None:
    channel = make(peer.port, smtp=f"smtp://desk%40inbox@localhost:{peer.port}", tls="starttls", password=peer.password)
    (message,) = channel.render(sample, kit)

    async def talk() -> None:
        await channel.deliver(message, message.recipients[2], KEY)
        await channel.close()

    asyncio.run(talk())
    (envelope,) = peer.taken
    assert envelope.content == channel.compose(message, message.recipients[2])
    assert envelope.rcpt_tos == ["news@victoria-daily.example"]
    assert peer.logins == [(b"desk@inbox", SECRET.encode())]


def test_lines_that_begin_with_a_dot_or_from_arrive_as_they_are(
    make: Callable[..., Channel], make_release: Callable[..., Release], kit: Kit, peer: "Peer"
) -> None:
    body = f"```\n.\n..\n.profile\nFrom here\n>From there\n{'x' * 2000}\n```"

    async def talk(port: int, taken: Callable[[], object], **changes: Any) -> None:
        channel = make(port, **changes)
        (message,) = channel.render(make_release(body=body, media=()), kit)
        await channel.deliver(message, message.recipients[0], KEY)
        await channel.close()
        assert taken() == channel.compose(message, message.recipients[0])

    async def both() -> None:
        async with SmtpSink() as sink:
            await talk(sink.port, lambda: sink.taken[0].wire)
        encrypted = {"smtp": f"smtp://desk@localhost:{peer.port}", "tls": "starttls", "password": peer.password}
        await talk(peer.port, lambda: peer.taken[0].content, **encrypted)

    asyncio.run(both())


# ── Each step that can fail ──


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(at="greeting", reply="421 4.3.2 too busy", drop=True), Unavailable),
        (Fault(at="greeting", reply="554 no mail here", drop=True), Unavailable),
        (Fault(at="greeting", drop=True), Unavailable),
        (Fault(at="greeting", reply="hello, who is there?"), Unavailable),
        (Fault(at="EHLO", drop=True), Unavailable),
        (Fault(at="MAIL", reply="421 4.3.2 closing", drop=True), Unavailable),
        (Fault(at="MAIL", reply="451 4.3.0 later"), Throttled),
        (Fault(at="MAIL", reply="530 5.7.0 log in first"), Unauthorized),
        (Fault(at="MAIL", reply="553 5.1.8 no such sender"), Unauthorized),
        (Fault(at="RCPT", reply="550 5.1.1 no such user"), Refused),
        (Fault(at="RCPT", reply="450 4.2.0 greylisted"), Unavailable),
        (Fault(at="RCPT", reply="421 4.3.2 closing", drop=True), Unavailable),
        (Fault(at="RCPT", reply="xyzzy"), Unavailable),
        (Fault(at="RCPT", drop=True), Unavailable),
        (Fault(at="DATA", reply="421 4.3.2 closing", drop=True), Unavailable),
        (Fault(at="DATA", reply="451 4.3.0 no room"), Unavailable),
        (Fault(at="DATA", reply="554 5.5.1 no"), Refused),
        (Fault(at="DATA", drop=True), Unavailable),
        (Fault(at="dot", reply="451 4.3.0 no room"), Unavailable),
        (Fault(at="dot", reply="421 4.3.2 closing", drop=True), Unavailable),
        (Fault(at="dot", reply="554 5.6.0 spam"), Refused),
        (Fault(at="dot", reply="552 5.3.4 too big"), Unauthorized),
        (Fault(at="dot", drop=True), InDoubt),
        (Fault(at="dot", reply="xyzzy"), InDoubt),
        (Fault(at="dot", reply="354 go on"), InDoubt),
    ],
    ids=lambda value: f"{value.at}-{value.reply[:3] or 'drop'}" if isinstance(value, Fault) else value.__name__,
)
def test_a_fault(attempt: Callable[..., Tried], fault: Fault, outcome: type[DeliveryError]) -> None:
    tried = attempt(fault)
    assert isinstance(tried.only, outcome), tried.only
    assert tried.only.outcome is outcome.outcome
    assert tried.sink.taken == []


@pytest.mark.parametrize("step", ["greeting", "MAIL", "RCPT", "DATA"])
def test_silence_before_the_dot_is_unavailable(attempt: Callable[..., Tried], step: str) -> None:
    tried = attempt(Fault(at=step, silent=True), timeouts={"connect": 0.1, "command": 0.1, "data": 0.1})
    assert type(tried.only) is Unavailable


def test_silence_after_the_dot_is_in_doubt(attempt: Callable[..., Tried]) -> None:
    assert type(attempt(Fault(at="dot", silent=True), timeouts={"dot": 0.1}).only) is InDoubt


@pytest.mark.parametrize("fault", [Fault(at="body", drop=True), Fault(at="body", silent=True)], ids=["drop", "silent"])
def test_a_line_that_dies_inside_the_body_has_delivered_nothing(
    make: Callable[..., Channel], sample: Release, kit: Kit, fault: Fault
) -> None:
    async def talk() -> None:
        async with SmtpSink([fault], extensions=()) as sink:
            channel = make(sink.port)
            hurry(channel, body=0.3)
            (message,) = channel.render(sample, kit)
            message = dataclasses.replace(message, content=message.content + b"more of the same\r\n" * 500_000)
            with pytest.raises(Unavailable):
                await channel.deliver(message, message.recipients[0], KEY)
            assert sink.taken == []

    asyncio.run(talk())


def test_nobody_listens(make: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = make(taken.getsockname()[1])
        (message,) = channel.render(sample, kit)
        with pytest.raises(Unavailable, match="nothing was sent"):
            asyncio.run(channel.deliver(message, message.recipients[0], KEY))


def test_a_4xx_says_when_to_try_again(attempt: Callable[..., Tried]) -> None:
    error = attempt(Fault(at="RCPT", reply="450 4.2.0 greylisted")).only
    assert isinstance(error, Unavailable)  # this mail alone waits
    assert error.until
    assert timedelta(minutes=4) < error.until - datetime.now(UTC) <= timedelta(minutes=5)
    assert "greylisted" in error.reason


# ── One connection for many ──


@pytest.mark.parametrize(
    "fault",
    [Fault(at="RCPT", reply="550 no"), Fault(at="dot", reply="451 4.3.0 no"), Fault(at="DATA", reply="554 no")],
    ids=lambda fault: fault.at,
)
def test_a_refused_mail_does_not_spoil_the_next(attempt: Callable[..., Tried], fault: Fault) -> None:
    tried = attempt(fault, times=2)
    assert isinstance(tried.results[1], Receipt)
    assert (len(tried.sink.taken), tried.sink.connections) == (1, 1)
    assert ("RSET" in tried.sink.commands) == (fault.at != "dot")  # after the dot the transaction is over


def test_a_connection_that_died_meanwhile_is_opened_again(
    make: Callable[..., Channel], sample: Release, kit: Kit
) -> None:
    async def talk() -> None:
        async with SmtpSink() as sink:
            channel = make(sink.port)
            (message,) = channel.render(sample, kit)
            await channel.deliver(message, message.recipients[0], KEY)
            sink.hang_up()
            await channel.deliver(message, message.recipients[1], KEY)
            await asyncio.sleep(0.05)  # long enough to notice the end of the line
            sink.hang_up()
            await asyncio.sleep(0.05)
            await channel.deliver(message, message.recipients[2], KEY)
            await channel.close()
            assert [taken.connection for taken in sink.taken] == [1, 2, 3]

    asyncio.run(talk())


def test_a_server_that_sends_a_kept_line_away_is_called_again(
    make: Callable[..., Channel], sample: Release, kit: Kit
) -> None:
    async def talk() -> None:
        async with SmtpSink() as sink:
            channel = make(sink.port)
            (message,) = channel.render(sample, kit)
            await channel.deliver(message, message.recipients[0], KEY)
            sink._left.append(Fault(at="MAIL", reply="421 4.4.2 idle too long", drop=True))
            await channel.deliver(message, message.recipients[1], KEY)
            await channel.close()
            assert [taken.connection for taken in sink.taken] == [1, 2]

    asyncio.run(talk())


def test_mails_sent_at_once_take_turns(make: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    async def talk() -> None:
        async with SmtpSink() as sink:
            channel = make(sink.port, connections=1)
            (message,) = channel.render(sample, kit)
            await asyncio.gather(*(channel.deliver(message, one, KEY) for one in message.recipients))
            await channel.close()
            assert len({taken.rcpt for taken in sink.taken}) == 3
            assert sink.connections == 1

    asyncio.run(talk())


# ── What the server can do ──


def test_a_mail_that_is_too_big_does_not_travel(attempt: Callable[..., Tried]) -> None:
    tried = attempt(extensions=("SIZE 1000",))
    assert type(tried.only) is Refused
    assert not any(line.startswith(("MAIL", "DATA")) for line in tried.sink.commands)


def test_an_address_beyond_ascii_needs_smtputf8(attempt: Callable[..., Tried]) -> None:
    to = ["記者 <新聞@victoria-daily.example>"]
    assert type(attempt(to=to).only) is Unsupported
    tried = attempt(to=to, extensions=("SMTPUTF8", "8BITMIME"))
    assert isinstance(tried.only, Receipt)
    assert tried.sink.taken[0].mail.endswith("SMTPUTF8 BODY=8BITMIME")
    assert tried.sink.taken[0].rcpt == "RCPT TO:<新聞@victoria-daily.example>"


def test_a_server_without_ehlo_is_still_spoken_to(attempt: Callable[..., Tried]) -> None:
    tried = attempt(Fault(at="EHLO", reply="502 what?"), Fault(at="HELO", reply="250 sink.example"))
    assert isinstance(tried.only, Receipt)
    assert tried.sink.taken[0].mail == "MAIL FROM:<press@tidewater.example>"


# ── Encryption and login ──


def test_nothing_is_sent_in_the_clear_where_encryption_was_taken_away(
    attempt: Callable[..., Tried], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", SECRET)
    tried = attempt(tls="starttls", password={"env": "SMTP_PASSWORD"}, user="desk")
    assert type(tried.only) is Unavailable
    assert "offers no encryption (STARTTLS), so nothing was sent" in tried.only.reason
    assert [line[:4] for line in tried.sink.commands] == ["EHLO"]


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    make: Callable[..., Channel], sample: Release, kit: Kit, peer: "Peer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    channel = make(peer.port, smtp=f"smtp://desk@localhost:{peer.port}", tls="starttls", password=peer.password)
    (message,) = channel.render(sample, kit)
    with pytest.raises(Unavailable, match=r"(?i)certificate"):
        asyncio.run(channel.deliver(message, message.recipients[0], KEY))
    assert peer.logins == []


def test_a_wrong_password_is_said_without_the_password(
    make: Callable[..., Channel], sample: Release, kit: Kit, peer: "Peer"
) -> None:
    peer.right = b"another"
    channel = make(peer.port, smtp=f"smtp://desk@localhost:{peer.port}", tls="starttls", password=peer.password)
    (message,) = channel.render(sample, kit)
    with pytest.raises(Unauthorized) as caught:
        asyncio.run(channel.deliver(message, message.recipients[0], KEY))
    assert "535" in str(caught.value)
    assert SECRET not in f"{caught.value!r} {channel!r} {channel.destination}"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("535 5.7.8 no", Unauthorized), ("454 4.7.0 later", Unavailable), ("421 4.3.2 busy", Unavailable)],
)
def test_a_refused_login_echoes_no_secret(
    attempt: Callable[..., Tried], monkeypatch: pytest.MonkeyPatch, reply: str, outcome: type[DeliveryError]
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", SECRET)
    echoed = "AGRlc2sAY29ycmVjdC1ob3JzZS1iYXR0ZXJ5"  # of \0desk\0 and the password
    tried = attempt(
        Fault(at="AUTH", reply=f"{reply} {SECRET} {echoed}"),
        extensions=("AUTH PLAIN",),
        user="desk",
        password={"env": "SMTP_PASSWORD"},
    )
    assert type(tried.only) is outcome
    assert tried.sink.commands[1] == f"AUTH PLAIN {echoed}"
    assert SECRET not in tried.only.reason
    assert echoed not in tried.only.reason
    assert reply[:3] in tried.only.reason


@pytest.mark.parametrize("password", [None, {"env": "NOT_SET_ANYWHERE"}])
def test_a_password_that_is_not_there(attempt: Callable[..., Tried], password: dict[str, str] | None) -> None:
    tried = attempt(user="desk", password=password, extensions=("AUTH PLAIN",))
    assert type(tried.only) is Unauthorized
    assert tried.sink.connections == 0


def test_a_server_without_login(attempt: Callable[..., Tried], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", SECRET)
    assert type(attempt(user="desk", password={"env": "SMTP_PASSWORD"}).only) is Unauthorized


def test_what_a_stranger_says_before_the_encryption_is_not_believed(
    make: Callable[..., Channel], sample: Release, kit: Kit, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that were slipped in behind the 220 (CVE-2011-0411) must not count as said under TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        heard.append(await reader.readline())
        writer.write(b"250-mail\r\n250 STARTTLS\r\n")
        heard.append(await reader.readline())
        writer.write(b"220 go\r\n250-mail\r\n250-AUTH PLAIN\r\n250 SMTPUTF8\r\n")
        await writer.drain()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await writer.start_tls(context)
            while line := await reader.readline():
                heard.append(line)
                writer.write(b"250 mail\r\n" if line[:4] in (b"EHLO", b"HELO") else b"502 no\r\n")
        writer.close()

    async def talk() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        channel = make(port, smtp=f"smtp://me@localhost:{port}", tls="starttls", password={"env": "HOME"})
        hurry(channel, connect=5.0, command=1.0)
        (message,) = channel.render(sample, kit)
        with pytest.raises((Unavailable, Unauthorized)):
            await channel.deliver(message, message.recipients[0], KEY)
        await channel.close()
        server.close()

    asyncio.run(talk())
    assert not any(b"AUTH" in line or b"MAIL" in line for line in heard)


@pytest.mark.slow
def test_a_slow_line_holds_up_nobody_else(make: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    """One final dot is never answered; everybody else is through long before its ten minutes."""

    async def talk() -> None:
        async with SmtpSink([Fault(at="dot", silent=True)], extensions=PIPE) as sink:
            channel = make(sink.port, connections=3)
            (message,) = channel.render(sample, kit)
            people = [Recipient(address=f"r{n}@x.example") for n in range(60)]
            tasks = [asyncio.create_task(channel.deliver(message, one, KEY)) for one in people]
            done, waiting = await asyncio.wait(tasks, timeout=1.5)
            assert len(waiting) <= 2  # the one, and what was pipelined behind it
            assert all(isinstance(task.result(), Receipt) for task in done)
            hurry(channel, dot=0.1)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await channel.close()

    asyncio.run(talk())


# ── A second, independent server ──


class Peer:
    """aiosmtpd with STARTTLS and AUTH; both are required."""

    def __init__(self, certificate: Path) -> None:
        self.taken: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.right = SECRET.encode()
        self.password = {"env": "SMTP_PASSWORD"}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=self.authenticate,
        )

    def authenticate(self, server: Any, session: Session, envelope: Envelope, kind: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login, given.password))
        return AuthResult(success=given.password == self.right, handled=False)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return "250 taken"


@pytest.fixture
def peer(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    monkeypatch.setenv("SMTP_PASSWORD", SECRET)
    made = Peer(certificate)
    made.controller.start()
    yield made
    made.controller.stop()


# ── Many mails, back to back ──


def many(
    make: Callable[..., Channel], sample: Release, kit: Kit, number: int, sink: SmtpSink, **more: Any
) -> list[Any]:
    """Deliver to so many at once; what came of each, in order."""

    async def talk() -> list[Any]:
        async with sink:
            channel = make(sink.port, **more)
            (message,) = channel.render(sample, kit)
            people = [Recipient(address=f"r{n}@x.example") for n in range(number)]
            await channel.prepare()
            assert sink.connections == more.get("connections", 4)
            work = (channel.deliver(message, one, KEY) for one in people)
            results = await asyncio.gather(*work, return_exceptions=True)
            await channel.close()
            return list(results)

    return asyncio.run(talk())


def everybody(number: int) -> list[str]:
    return sorted(f"RCPT TO:<r{n}@x.example>" for n in range(number))


PIPE = ("PIPELINING", "8BITMIME", "SIZE 10000000")


@pytest.mark.parametrize("extensions", [PIPE, ("8BITMIME",)])
@pytest.mark.parametrize("bytewise", [False, True])
def test_two_hundred_over_four_connections(
    make: Callable[..., Channel], sample: Release, kit: Kit, extensions: tuple[str, ...], bytewise: bool
) -> None:
    sink = SmtpSink(extensions=extensions, bytewise=bytewise)
    results = many(make, sample, kit, 60 if bytewise else 200, sink)
    assert all(isinstance(one, Receipt) for one in results)
    assert sorted(taken.rcpt for taken in sink.taken) == everybody(len(results))
    assert len({taken.wire for taken in sink.taken}) == len(results)
    assert {taken.connection for taken in sink.taken} == {1, 2, 3, 4}


def test_a_mail_costs_one_way_there_and_back(make: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    ways = {}
    for name, extensions in {"pipelined": PIPE, "lock-step": ("8BITMIME",)}.items():
        sink = SmtpSink(extensions=extensions, delay=0.003)
        many(make, sample, kit, 40, sink, connections=1)
        ways[name] = sink.ways
    assert ways["lock-step"] >= 3 * 40
    assert ways["pipelined"] <= 40 + 10


def test_a_refused_recipient_in_the_middle_harms_nobody_else(
    make: Callable[..., Channel], sample: Release, kit: Kit
) -> None:
    for lenient in (False, True):
        faults = [Fault(at="RCPT", reply="550 5.1.0 nobody"), Fault(at="RCPT", reply="450 4.2.1 later")]
        sink = SmtpSink(faults, extensions=PIPE, lenient=lenient)
        results = many(make, sample, kit, 20, sink, connections=1)
        assert [type(one).__name__ for one in results] == ["Refused", "Unavailable", *["Receipt"] * 18]
        assert sorted(taken.rcpt for taken in sink.taken) == sorted(set(everybody(20)) - {"RCPT TO:<r0@x.example>", "RCPT TO:<r1@x.example>"})  # fmt: skip


def test_a_line_that_dies_behind_a_dot_leaves_one_in_doubt_and_the_next_goes_elsewhere(
    make: Callable[..., Channel], sample: Release, kit: Kit
) -> None:
    sink = SmtpSink([Fault(at="dot", reply="250 ok"), Fault(at="dot", drop=True)], extensions=PIPE)
    results = many(make, sample, kit, 10, sink, connections=1)
    assert [type(one) for one in results].count(InDoubt) == 1
    assert [type(one) for one in results].count(Receipt) == 9
    assert len({taken.rcpt for taken in sink.taken}) == len(sink.taken) == 8  # the first was answered by the fault


def test_a_connection_carries_no_more_than_it_may(make: Callable[..., Channel], sample: Release, kit: Kit) -> None:
    sink = SmtpSink(extensions=PIPE)
    results = many(make, sample, kit, 50, sink, connections=2, per_connection=7)
    assert all(isinstance(one, Receipt) for one in results)
    each = [sum(taken.connection == n for taken in sink.taken) for n in range(1, sink.connections + 1)]
    assert max(each) == 7
    assert sum(each) == 50


def test_a_server_that_is_gone_before_the_instant_is_said(
    make: Callable[..., Channel], sample: Release, kit: Kit
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = make(taken.getsockname()[1])
        with pytest.raises(Unavailable, match="nothing was sent"):
            asyncio.run(channel.prepare())


@pytest.mark.parametrize(
    ("at", "reply", "outcome", "says"),
    [
        ("MAIL", "550 5.7.515 not authenticated", Unauthorized, "nobody on the list"),
        ("dot", "554 5.7.1 blocked", Unauthorized, "nobody on the list"),
        ("RCPT", "550 5.7.1 not to him", Refused, "not to him"),
        ("MAIL", "454 4.7.0 Maximum sending rate exceeded", Throttled, "rate"),
        ("MAIL", "454 4.7.0 Daily message quota exceeded", Throttled, "quota"),
        ("dot", "552 5.3.4 too big", Unauthorized, "too big"),
        ("RCPT", "452 4.5.3 too many recipients this hour", Throttled, "too many"),
        ("RCPT", "452 4.2.2 mailbox over quota", Unavailable, "quota"),
        ("RCPT", "550 no such user", Refused, "no such"),
    ],
)
def test_whose_fault_it_is(
    attempt: Callable[..., Tried], at: str, reply: str, outcome: type[DeliveryError], says: str
) -> None:
    error = attempt(Fault(at=at, reply=reply)).only
    assert type(error) is outcome, error
    assert isinstance(error, DeliveryError)
    assert says in error.reason
    if "quota" in reply:
        assert error.until
        assert error.until > datetime.now(UTC) + timedelta(minutes=50)


@pytest.mark.parametrize("garbage", ["hello", "99 no", "25o ok", "x" * 9000])
def test_garbage_for_an_answer(attempt: Callable[..., Tried], garbage: str) -> None:
    assert type(attempt(Fault(at="MAIL", reply=garbage)).only) is Unavailable
    assert type(attempt(Fault(at="dot", reply=garbage)).only) is InDoubt
