"""The keys of a mail channel's block, and what they say together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

from distributor import presslist
from distributor.contract import Channel
from distributor.errors import ConfigError
from distributor.fields import RateLimit
from distributor.mailbox import Mailbox, parse
from distributor.presslist import Suppressions
from distributor.settings import Secret

from . import dkim
from .audience import Audience, gather
from .dkim import Signer
from .job import Timeouts
from .pool import Relay
from .server import Server, Tls, read
from .tokens import SHORTEST, Tokens

_LIST_ID = re.compile(r"(?=.{3,200}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")  # RFC 2919 §2: a name of the list's own
_FEEDBACK = re.compile(r"[A-Za-z0-9-]{5,15}")  # Google, "Feedback Loop": 5 to 15 characters, the same for years


@dataclass(frozen=True, kw_only=True)
class Block(Channel):
    """What a person writes into the config, read and checked."""

    TYPE: ClassVar[str] = "email"
    TELLS_WRITES: ClassVar[bool] = True
    DESTINATION: ClassVar[Mapping[str, str]] = {
        "smtp": "server",
        "servers": "server",
        "sender": "sender",
        "bounces": "bounces",
    }
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("password", "mail_key", "dkim_key", "dkim_ed25519_key")

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
    quota: int | None = None  #: mails in any 24 hours
    servers: tuple[Relay, ...] = ()  #: more servers, or in place of `smtp`
    domains: dict[str, RateLimit] = field(default_factory=dict)  #: receiving domain → how often it may be written to
    unsubscribe: str | None = None  #: the address that takes people off the list
    mail_key: Secret | None = None  #: signs one-click unsubscribe links and bounce addresses
    bounces: str | None = None  #: the mailbox that bounces come back to, each at `name+…@`
    feedback_id: str | None = None  #: the last field of Feedback-ID
    images: Literal["hosted", "cid"] = "hosted"  #: photos by their public address, or inside the mail
    dkim_selector: str | None = None
    dkim_key: Secret | None = None
    dkim_domain: str | None = None  #: else the sender's
    dkim_ed25519_selector: str | None = None
    dkim_ed25519_key: Secret | None = None
    list_id: str | None = None  #: `press.company.example`
    _timeouts: Timeouts = field(default_factory=Timeouts, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError naming block, key and entry for anything that cannot stand in a mail."""
        super().__post_init__()
        if self.list_id and not _LIST_ID.fullmatch(self.list_id):
            raise self._wrong("list_id", f"'{self.list_id}' is no list name; write it like press.company.example")
        if self.feedback_id and not _FEEDBACK.fullmatch(self.feedback_id):
            raise self._wrong("feedback_id", f"'{self.feedback_id}' is none: 5 to 15 letters, digits and '-'")
        if self.tags and not self.lists:
            raise self._wrong("tags", "choose among the members of press lists, and there is no list: say lists, too")
        if self.bounces and self.mail_key is None:
            raise self._wrong("bounces", 'needs mail_key = { env = "NAME" }: without it anybody could write a bounce')
        self._check_keys("dkim_selector", "dkim_key")
        self._check_keys("dkim_ed25519_selector", "dkim_ed25519_key")
        own = {
            "sender": self.from_,
            "reply_to": self.replies,
            "unsubscribe": self.leave,
            "bounces": self.returns,
        }
        for key, box in own.items():
            if box and box.needs_smtputf8:
                raise self._wrong(key, f"'{box.address}' cannot be answered by every server; use plain letters")
        _ = (self.addressees, self.relays)

    def _check_keys(self, selector: str, key: str) -> None:
        if (getattr(self, selector) is None) != (getattr(self, key) is None):
            raise self._wrong(f"{selector}, {key}", "go together")

    def _wrong(self, key: str, text: str) -> ConfigError:
        return ConfigError(f"[channels.{self.name}] {key}: {text}")

    def _mailbox(self, key: str, text: str) -> Mailbox:
        try:
            return parse(text)
        except ValueError as error:
            raise self._wrong(key, str(error)) from None

    @cached_property
    def from_(self) -> Mailbox:
        """Who writes."""
        return self._mailbox("sender", self.sender)

    @cached_property
    def replies(self) -> Mailbox | None:
        """Who answers, where the config says it."""
        return self._mailbox("reply_to", self.reply_to) if self.reply_to else None

    @cached_property
    def leave(self) -> Mailbox | None:
        """Where a mail takes somebody off the list."""
        return self._mailbox("unsubscribe", self.unsubscribe) if self.unsubscribe else None

    @cached_property
    def returns(self) -> Mailbox | None:
        """Where bounces come back to."""
        return self._mailbox("bounces", self.bounces) if self.bounces else None

    @cached_property
    def addressees(self) -> tuple[Mailbox, ...]:
        """Who stands in `to`."""
        boxes: dict[str, Mailbox] = {}
        for number, entry in enumerate(self.to, start=1):
            box = self._mailbox(f"to, entry {number}", entry)
            if box.key in boxes:
                raise self._wrong(f"to, entry {number}", f"{box.address} is there twice (capitals do not count)")
            boxes[box.key] = box
        return tuple(boxes.values())

    @cached_property
    def relays(self) -> list[tuple[Relay, Server]]:
        """Where mails are handed over; none: a Maildir on this machine."""
        found = [(f"servers, entry {number}", one) for number, one in enumerate(self.servers, start=1)]
        if self.smtp:
            found.insert(0, ("smtp", self._own_relay(self.smtp)))
        elif self.quota is not None:
            raise self._wrong("quota", "belongs to a server: name one with smtp")
        return [(one, self._server(key, one)) for key, one in found]

    def _own_relay(self, smtp: str) -> Relay:
        try:
            return Relay(
                smtp=smtp,
                password=self.password,
                tls=self.tls,
                connections=self.connections,
                per_connection=self.per_connection,
                quota=self.quota,
            )
        except ValueError as error:
            raise self._wrong("connections, per_connection, quota", str(error)) from None

    def _server(self, key: str, relay: Relay) -> Server:
        try:
            return read(relay.smtp, tls=relay.tls, password=relay.password)
        except ValueError as error:
            raise self._wrong(key, str(error)) from None

    @cached_property
    def suppressions(self) -> Suppressions:
        """Who must not be written to."""
        return Suppressions.of(self.places.contacts)

    @property
    def absent(self) -> tuple[str, ...]:
        """What keys are not there to be read."""
        secrets = (self.mail_key, self.dkim_key, self.dkim_ed25519_key)
        return tuple(absent for secret in secrets if secret and (absent := secret.missing()))

    @cached_property
    def tokens(self) -> Tokens | None:
        """Raises ConfigError for a secret that is too short to be one."""
        if self.mail_key is None or self.mail_key.missing():
            return None
        secret = self.mail_key.reveal()
        if len(secret) < SHORTEST:
            raise self._wrong("mail_key", f"has fewer than {SHORTEST} characters; make one: openssl rand -hex 32")
        return Tokens(secret)

    def need_tokens(self) -> Tokens:
        """The tokens of a mail that was sealed with them; raises ConfigError when their secret is gone."""
        if self.tokens is None:
            raise self._wrong("mail_key", "is not there, and the mail was sealed with it")
        return self.tokens

    @cached_property
    def signers(self) -> tuple[Signer, ...]:
        """RSA first: who knows Ed25519 reads both. Raises ConfigError for a key that is none."""
        pairs = (("dkim_key", self.dkim_selector), ("dkim_ed25519_key", self.dkim_ed25519_selector))
        return tuple(self._signer(key, selector) for key, selector in pairs if selector)

    def _signer(self, key: str, selector: str) -> Signer:
        secret: Secret = getattr(self, key)
        try:
            made = dkim.signer(self.dkim_domain or self.from_.domain, selector, secret.reveal())
        except ValueError as error:
            raise self._wrong(key, str(error)) from None
        if made.algorithm.startswith("rsa") != (key == "dkim_key"):
            raise self._wrong(key, f"is a key for {made.algorithm}")
        return made

    def audience(self, lang: str, langs: tuple[str, ...]) -> Audience:
        """Who gets the version in `lang` of a release that has `langs` here."""
        return gather(
            self.addressees,
            [presslist.path(self.places.contacts, name) for name in self.lists],
            lang=lang,
            langs=langs,
            tags=self.tags,
            tier=self.tier,
            suppressions=self.suppressions,
        )
