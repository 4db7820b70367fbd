"""E-mail: one mail per recipient, text and HTML, to a mail server or into a Maildir on this machine."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from distributor import presslist
from distributor.contract import (
    Capabilities,
    Channel,
    Count,
    Destination,
    Finding,
    Idempotency,
    Kit,
    Message,
    Receipt,
    Recipient,
    Refused,
)
from distributor.embargo import zone_of
from distributor.errors import ConfigError
from distributor.mailbox import Mailbox, ascii_domain, parse
from distributor.presslist import Suppressions
from distributor.release import LanguageVersion, Release
from distributor.settings import Secret

from . import maildir, server
from .audience import Audience, gather
from .job import Timeouts
from .letter import letter
from .message import Mail, message_id, personal
from .remarks import remarks
from .server import Server, Tls
from .smtp import Sender
from .wrap import wrap

_LIST_ID = re.compile(r"(?=.{3,200}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")  # RFC 2919 §2: a name of the list's own


@dataclass(frozen=True, kw_only=True)
class Email(Channel):
    """Sends the first language it is configured for, else the main one, to every address in `to`.

    With a server, class D: after the final dot nobody can be asked, so a lost answer stays in doubt. Without one the
    mails lie in a Maildir, where the same key is the same file (class A).
    """

    TYPE: ClassVar[str] = "email"

    sender: str  #: `Name <address>`
    to: tuple[str, ...] = ()  #: the same form
    lists: tuple[str, ...] = ()  #: press lists: files in contacts/
    tags: tuple[str, ...] = ()  #: only members with one of these
    reply_to: str | None = None  #: else the release's press contact
    smtp: str | None = None  #: `smtp://user@host:port` or `smtps://…`; without it a Maildir
    password: Secret | None = None
    tls: Tls = "starttls"
    connections: int = 4  #: to the server at once
    per_connection: int | None = None  #: mails over one of them, where the server or its owner wants few
    unsubscribe: str | None = None  #: the address that takes people off the list
    list_id: str | None = None  #: `press.company.example`
    _timeouts: Timeouts = field(default_factory=Timeouts, init=False, repr=False, compare=False)
    _kept: list[Sender] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError naming block, key and entry for anything that cannot stand in a mail."""
        super().__post_init__()
        if len(self.languages) > 1:
            raise self._wrong(
                "languages", "a mail channel carries one language; give every language a block and addresses of its own"
            )
        if self.list_id and not _LIST_ID.fullmatch(self.list_id):
            raise self._wrong("list_id", f"'{self.list_id}' is no list name; write it like press.company.example")
        if self.connections < 1 or (self.per_connection is not None and self.per_connection < 1):
            raise self._wrong("connections, per_connection", "must be above zero")
        own = {"sender": self._from, "reply_to": self._reply_to, "unsubscribe": self._leave}
        for key, box in own.items():
            if box and box.needs_smtputf8:
                raise self._wrong(key, f"'{box.address}' cannot be answered by every server; use plain letters")
        _ = (self._addressees, self._server)

    def _wrong(self, key: str, text: str) -> ConfigError:
        return ConfigError(f"[channels.{self.name}] {key}: {text}")

    def _mailbox(self, key: str, text: str) -> Mailbox:
        try:
            return parse(text)
        except ValueError as error:
            raise self._wrong(key, str(error)) from None

    @cached_property
    def _from(self) -> Mailbox:
        return self._mailbox("sender", self.sender)

    @cached_property
    def _reply_to(self) -> Mailbox | None:
        return self._mailbox("reply_to", self.reply_to) if self.reply_to else None

    @cached_property
    def _leave(self) -> Mailbox | None:
        return self._mailbox("unsubscribe", self.unsubscribe) if self.unsubscribe else None

    @cached_property
    def _addressees(self) -> tuple[Mailbox, ...]:
        boxes: dict[str, Mailbox] = {}
        for number, entry in enumerate(self.to, start=1):
            box = self._mailbox(f"to, entry {number}", entry)
            if box.key in boxes:
                raise self._wrong(f"to, entry {number}", f"{box.address} is there twice (capitals do not count)")
            boxes[box.key] = box
        return tuple(boxes.values())

    @cached_property
    def _server(self) -> Server | None:
        if not self.smtp:
            return None
        try:
            return server.read(self.smtp, tls=self.tls, password=self.password)
        except ValueError as error:
            raise self._wrong("smtp", str(error)) from None

    @cached_property
    def _suppressions(self) -> Suppressions:
        return Suppressions(self.places.contacts / "suppressed.csv")

    def _audience(self, lang: str) -> Audience:
        return gather(
            self._addressees,
            [presslist.path(self.places.contacts, name) for name in self.lists],
            lang=lang,
            tags=self.tags,
            tier=self.tier,
            suppressions=self._suppressions,
        )

    @property
    def _folder(self) -> Path:
        return self.places.outbox / self.name

    @property
    def capabilities(self) -> Capabilities:
        """Class D to a server, class A into a Maildir."""
        return Capabilities(idempotency=Idempotency.D if self._server else Idempotency.A)

    @property
    def concurrency(self) -> int:
        """Four mails for every connection: one whose answer is awaited, one whose envelope is on its way, and two that wait while
        what has landed is written down.
        """
        return super().concurrency if self._server is None else 4 * self.connections

    @property
    def destination(self) -> Destination:
        """The server, or the Maildir."""
        if self._server is None:
            return Destination(live=False, place=str(self._folder))
        return Destination(live=True, place=self._server.place, missing=self._server.missing)

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One mail; raises ConfigError when a template fails."""
        return [self._message(release, text, kit) for text in self.texts(release)]

    def _message(self, release: Release, text: LanguageVersion, kit: Kit) -> Message:
        leave = f"mailto:{quote(self._leave.address, safe='@')}?subject=unsubscribe" if self._leave else ""
        made = letter(release, text, kit, tier=self.tier, after=self.after, unsubscribe=leave)
        values: dict[str, Any] = {**kit.values(release, text), **made.values}
        mail = Mail(
            sender=self._from,
            reply_to=self._reply_to or _press(release),
            subject=made.subject,
            date=kit.lift.astimezone(zone_of(release.zone)),
            list_id=self.list_id,
            unsubscribe=leave or None,
            text=tidy(kit.templates.render("email/message.txt", values)),
            html=kit.templates.render("email/message.html", values).strip() + "\n",
        )
        size = len(mail.html.encode())
        people = self._audience(text.lang)
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content=mail.content(),
            content_type="message/rfc822",
            filename="message.eml",
            title=made.subject,
            text=mail.text,
            html=mail.html,
            headers=tuple((name, value) for name, value, _ in mail.lines()),
            counts=(Count(used=size, limit=int(kit.networks[self.TYPE]["clip_bytes"]), unit="bytes of HTML"),),
            dropped=made.dropped,
            recipients=people.recipients,
            meta={
                "identity": f"{release.id}/{release.version}/{self.name}/{text.lang}",
                "sender": self._from.address,
                "audience": people.equation,
                "lists": " ".join(self.lists),
            },
        )

    def check(self, message: Message) -> Iterable[Finding]:
        """Nobody to send to, pictures without words, and what mail programs cut off or people complain about."""
        for severity, code, text, where in remarks(message):
            yield Finding(severity=severity, code=code, text=text, field=where, channel=self.name)

    def compose(self, message: Message, recipient: Recipient) -> bytes:
        """The recipient's own headers, then what is the same for all; ValueError for an address that is no header."""
        return personal(message.meta, Mailbox(address=recipient.address, name=recipient.name)) + message.content

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Hand the mail to the server and keep the connection, or put it into the Maildir."""
        try:
            wire = self.compose(message, recipient)
        except ValueError as error:
            raise Refused(f"the mail cannot be written: {error}") from None
        if self._server is None:
            return Receipt(id=str(maildir.deliver(self._folder, key, wire)))
        if why := self._suppressions.why(recipient.address):  # since it was sealed
            raise Refused(f"{recipient.address} must not be written to: {why}")
        sender = message.meta["sender"]
        domain = sender.rpartition("@")[2]
        answer = await self._sender(self._server).send(sender=sender, recipient=recipient.address, wire=wire)
        return Receipt(id=message_id(message.meta["identity"], recipient.address, domain), detail=answer)

    def _sender(self, to: Server) -> Sender:
        if not self._kept:
            self._kept.append(
                Sender(
                    server=to,
                    helo=self._from.domain,
                    timeouts=self._timeouts,
                    connections=self.connections,
                    most=self.per_connection,
                )
            )
        return self._kept[0]

    async def prepare(self) -> None:
        """Open every connection: a server that takes none is known while there is time."""
        if self._server:
            await self._sender(self._server).prepare()

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The mail in the Maildir, wherever a mail program has moved it to; None from a server."""
        if self._server is not None:
            return None
        path = maildir.find(self._folder, Path(receipt.id).name.partition(":")[0])
        return path.read_bytes() if path else None

    async def close(self) -> None:
        """Close the kept connection."""
        for sender in self._kept:
            await sender.close()
        self._kept.clear()


def _press(release: Release) -> Mailbox | None:
    """The first press contact that every mail program can write to."""
    for contact in release.media_contacts():
        if contact.email:
            box = Mailbox(address=ascii_domain(contact.email), name=contact.name or contact.org or "")
            if not box.needs_smtputf8:
                return box
    return None


def tidy(text: str) -> str:
    """The text part: lines of at most 72 columns, at most one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", wrap(text.strip())) + "\n"


CHANNEL = Email
