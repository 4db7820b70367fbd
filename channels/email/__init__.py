"""E-mail: one mail per recipient, text and HTML, to a mail server or into a Maildir on this machine."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from distributor.contract import (
    Capabilities,
    Destination,
    Finding,
    Idempotency,
    Kit,
    Message,
    Receipt,
    Recipient,
    Refused,
    Severity,
)
from distributor.errors import ActionError
from distributor.mailbox import Mailbox
from distributor.rate import Rate
from distributor.release import Release

from . import dkim, maildir, slots
from .block import Block
from .build import build
from .message import message_id, personal
from .pool import Pool, pool, together
from .remarks import remarks
from .replies import Gone


@dataclass(frozen=True, kw_only=True)
class Email(Block):
    """Sends every recipient the release in their language: the first one that it is configured for, else the main one, to
    everybody who named none.

    With a server, class D: after the final dot nobody can be asked, so a lost answer stays in doubt. Without one the
    mails lie in a Maildir, where the same key is the same file (class A).
    """

    _last: list[tuple[Message, Recipient, bytes]] = field(default_factory=list, init=False, repr=False, compare=False)
    _kept: list[Pool] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def _folder(self) -> Path:
        return self.places.outbox / self.name

    @property
    def capabilities(self) -> Capabilities:
        """Class D to a server, class A into a Maildir."""
        return Capabilities(idempotency=Idempotency.D if self.relays else Idempotency.A)

    @property
    def concurrency(self) -> int:
        """Four mails for every connection: one whose answer is awaited, one whose envelope is on its way, and two that wait while
        what has landed is written down.
        """
        return 4 * sum(relay.connections for relay, _ in self.relays) or super().concurrency

    @property
    def limit(self) -> Rate | None:
        """The block's rate, else what its servers take in all."""
        return self.rate or together([relay.rate for relay, _ in self.relays])

    @property
    def destination(self) -> Destination:
        """The server, or the Maildir."""
        if not self.relays:
            return Destination(live=False, place=str(self._folder), missing=self.absent)
        missing = [absent for _, one in self.relays for absent in one.missing]
        place = ", ".join(one.place for _, one in self.relays)
        return Destination(live=True, place=place, missing=(*missing, *self.absent))

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """Every server with its user, or the Maildir; who sends, and where bounces come back to."""
        servers = sorted(f"{one.user}@{one.place}" if one.user else one.place for _, one in self.relays)
        place = {"server": ", ".join(servers)} if servers else {"folder": self.places.within(self._folder)}
        back = {"bounces": self.returns.address} if self.returns else {}
        return {**place, "sender": self.from_.address, **back}

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One mail a language; raises ConfigError when a template fails."""
        return [build(self, release, text, kit) for text in self.texts(release)]

    def check(self, message: Message) -> Iterable[Finding]:
        """Nobody to send to, pictures without words, and what mail programs cut off or people complain about."""
        for absent in self.absent:
            text = f"{absent} is not set: without it the mails are not signed"
            yield Finding(severity=Severity.error, code="key-missing", text=text, channel=self.name)
        for severity, code, text, where in remarks(message):
            yield Finding(severity=severity, code=code, text=text, field=where, channel=self.name)

    # ── the bytes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def endorse(self, message: Message, recipient: Recipient) -> bytes:
        """The DKIM signatures: they cost more than all else of a mail."""
        if not message.meta.get("dkim"):
            return b""
        values, own = self._own(message, recipient)
        return dkim.sign(self.signers, own + slots.opened(message.content).head, message.content, values)

    def compose(self, message: Message, recipient: Recipient) -> bytes:
        """The recipient's own headers, what is the same for all, and the recipient's own in it; ValueError for an address that
        is no header.
        """
        # Who compares the digest sends right after; long lists are sealed in threads.
        for known, whose, made in self._last:
            if known is message and whose == recipient:
                return made
        values, own = self._own(message, recipient)
        top = own + slots.opened(message.content).head
        if facts := message.meta.get("dkim"):
            top = dkim.lines(facts, top, recipient.signature or self.endorse(message, recipient)) + top
        wire = top + b"\r\n" + slots.fill(message.content, values)
        self._last[:] = [(message, recipient, wire)]
        return wire

    def _own(self, message: Message, recipient: Recipient) -> tuple[dict[str, str], bytes]:
        """What is one recipient's own: the values of the slots, and the headers."""
        base = message.meta.get("unsubscribe", "")
        link = base + self.need_tokens().leave(recipient.address, message.lang) if base else ""
        values = {"name": recipient.name or recipient.address, "address": recipient.address, "unsubscribe": link}
        to = Mailbox(address=recipient.address, name=recipient.name)
        return values, personal(message.meta, to, self._number(message, recipient), link)

    def _number(self, message: Message, recipient: Recipient) -> str:
        """The Message-ID. With a key nobody else can work it out, so that a bounce which names it is a bounce of ours."""
        identity, domain = message.meta["identity"], message.meta["sender"].rpartition("@")[2]
        if message.meta.get("unsubscribe"):
            identity = self.need_tokens().mark(identity)
        return message_id(identity, recipient.address, domain)

    @property
    def remains(self) -> str:
        """A mail is with its reader for good."""
        return "a mail cannot be called back: send those who have it a notice"

    # ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Hand the mail to the server and keep the connection, or put it into the Maildir."""
        try:
            wire = self.compose(message, recipient)
        except ValueError as error:
            raise Refused(f"the mail cannot be written: {error}") from None
        if not self.relays:
            return Receipt(id=str(maildir.deliver(self._folder, key, wire)))
        if why := self.suppressions.why(recipient.address):  # since it was sealed
            raise Refused(f"{recipient.address} must not be written to: {why}")
        sender = message.meta["sender"]
        back = self.need_tokens().returns(self.returns.address, key) if self.returns else sender
        try:
            answer = await self._pool.send(sender=back, recipient=recipient.address, wire=wire)
        except Gone as error:
            await asyncio.to_thread(self._note_gone, recipient.address, error.reason)
            raise
        return Receipt(id=self._number(message, recipient), detail=answer)

    def _note_gone(self, address: str, why: str) -> None:
        with suppress(ActionError):  # the ledger says it, too
            self.suppressions.add(address, "bounced", now=datetime.now(UTC), detail=why)

    @property
    def _pool(self) -> Pool:
        if not self._kept:
            self._kept.append(
                pool(
                    self.relays,
                    sender=self.from_,
                    timeouts=self._timeouts,
                    domains=self.domains,
                    state=self.places.state / "email",
                )
            )
        return self._kept[0]

    async def prepare(self) -> None:
        """Open every connection: a server that takes none is known while there is time."""
        if self.relays:
            await self._pool.prepare()

    @property
    def advice(self) -> Sequence[str]:
        """The DNS records of the signing keys."""
        signers = () if self.absent else self.signers
        return [f"{one.selector}._domainkey.{one.domain} TXT {one.record}" for one in signers]

    # ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────

    def left(self, token: str) -> tuple[str, str] | None:
        """The address and language that an unsubscribe token of ours names."""
        return self.tokens.left(token) if self.tokens else None

    def returned(self, address: str) -> str | None:
        """The key of the delivery whose envelope sender this address is."""
        return self.tokens.returned(self.returns.address, address) if self.returns and self.tokens else None

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The mail in the Maildir, wherever a mail program has moved it to; None from a server."""
        if self.relays:
            return None
        path = maildir.find(self._folder, Path(receipt.id).name.partition(":")[0])
        return path.read_bytes() if path else None

    async def close(self) -> None:
        """Close the kept connections."""
        for kept in self._kept:
            await kept.close()
        self._kept.clear()


CHANNEL = Email
