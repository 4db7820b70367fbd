"""What a channel is: the only room of the core, besides kit and model, that a plug-in may see.

`render` and `check` are pure, `deliver` is the only effect; preview, seal and sender all use the same Message.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import ConfigDict

from distributor.capabilities import Capabilities, Destination, Idempotency, Tier
from distributor.errors import ConfigError
from distributor.fields import Language, Offset, RateLimit, spelled
from distributor.handover import about_to_write, teller
from distributor.message import Count, Dropped, Earlier, Entity, Finding, MediaFile, Message, Recipient, Severity
from distributor.outcomes import (
    AlreadyThere,
    ByHand,
    DeliveryError,
    InDoubt,
    Outcome,
    Receipt,
    Refused,
    Throttled,
    Unauthorized,
    Unavailable,
    Unsupported,
)  # fmt: skip
from distributor.rate import Rate
from distributor.release import LanguageVersion, Release
from distributor.rendering import Kit
from distributor.settings import Places

__all__ = [
    "AlreadyThere", "ByHand", "Capabilities", "Channel", "Count", "DeliveryError", "Destination", "Dropped", "Earlier", "Entity", "Finding",
    "Idempotency", "InDoubt", "Kit", "MediaFile", "Message", "Outcome", "Rate", "Receipt", "Recipient", "Refused",
    "Severity", "Throttled", "Tier", "Unauthorized", "Unavailable", "Unsupported", "about_to_write", "teller",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Channel(ABC):
    """One configured way out. The fields of a subclass are the keys of its `[channels.NAME]` block."""

    #: A channel keeps its connections in fields of its own (`init=False`), which are no config.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)
    #: Name of the type in `type = "…"`; set by every subclass.
    TYPE: ClassVar[str]
    #: Whether it calls `about_to_write` itself, right before bytes leave (requests through `distributor.http` do).
    #: Otherwise the call of `deliver` counts as the write: after a crash more is in doubt.
    TELLS_WRITES: ClassVar[bool] = False
    #: Which languages it takes when the config names none: every version, or only the main one.
    ALL_LANGUAGES: ClassVar[bool] = False
    #: Fields that say where deliveries go and as whom, with their words for people: agreed to when a release is sealed.
    DESTINATION: ClassVar[Mapping[str, str]] = {}
    #: Fields that hold a credential: a rotated one is no change of destination.
    CREDENTIALS: ClassVar[tuple[str, ...]] = ()

    name: str
    places: Places
    enabled: bool = True
    languages: tuple[Language, ...] = ()
    after: Offset = timedelta()  #: sent this long after the lift; negative only for tier prebrief
    tier: Tier = Tier.public
    in_doubt: Literal["hold", "resend"] = "hold"
    wait_for_page: bool | None = None  #: until the public page answers 200; None: where the other side reads it
    rate: RateLimit | None = None  #: how often the account may be written to; `limit` is what is in force

    def __post_init__(self) -> None:
        """Raises ConfigError for an offset that would break the embargo."""
        if self.after < timedelta() and self.tier is not Tier.prebrief:
            raise ConfigError(
                f"[channels.{self.name}] after: {spelled(self.after)} would send before the embargo; only a channel with "
                'tier = "prebrief" may do that'
            )

    def texts(self, release: Release) -> list[LanguageVersion]:
        """The language versions that this channel carries; a configured one that is missing is left to `check`."""
        if self.languages:
            found = [release.in_language(lang) for lang in self.languages]
            return [text for text in found if text]
        return list(release.languages) if self.ALL_LANGUAGES else [release.main]

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this channel, configured as it is, can do."""

    @property
    def able(self) -> Capabilities:
        """What it can do once it has its credential; the same where it has it, or needs none."""
        return self.capabilities

    @property
    @abstractmethod
    def destination(self) -> Destination:
        """Where its deliveries go."""

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """Return what a person agrees to at sealing, by words for people: DESTINATION, or the place where it is empty.

        None: it cannot be known on this machine, and is not compared.
        """
        if not self.DESTINATION:
            return {"place": self.places.within(self.destination.place)}
        found = {word: getattr(self, name) for name, word in self.DESTINATION.items()}
        return {word: str(value).rstrip("/") for word, value in found.items() if value not in (None, "", ())}

    @property
    def owns(self) -> tuple[str, ...]:
        """Files that this channel alone may write; two channels with one of them are refused at the start."""
        return ()

    @property
    def awaits_page(self) -> bool:
        """Whether nothing goes out here before the public page answers 200."""
        wanted = self.capabilities.needs_page if self.wait_for_page is None else self.wait_for_page
        return wanted and self.destination.live and self.tier is not Tier.prebrief

    @property
    def concurrency(self) -> int:
        """How many deliveries may be on the wire at once. After a kill at most so many are in doubt."""
        return 8 if self.capabilities.idempotency is Idempotency.D else 100

    @property
    def account(self) -> str:
        """Whose limits count: channels that write to the same account or server share its rate. Free of secrets."""
        return f"{self.TYPE} {self.destination.place}"

    @property
    def limit(self) -> Rate | None:
        """The rate in force. A network with a documented limit returns that where the config has none."""
        return self.rate

    @abstractmethod
    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One message per language version. Pure and deterministic: no clock, no network, no store."""

    @abstractmethod
    def check(self, message: Message) -> Iterable[Finding]:
        """What the other side would refuse or spoil. Pure."""

    def endorse(self, message: Message, recipient: Recipient) -> bytes:  # noqa: ARG002  most channels sign nothing
        """What takes long to make for one recipient: made once, when the message is sealed, kept with the delivery, and there
        again as `recipient.signature` whenever it is composed. Pure.
        """
        return b""

    def compose(self, message: Message, recipient: Recipient) -> bytes:  # noqa: ARG002  the default is the same for all
        """The exact bytes for one recipient. Pure; their SHA-256 is sealed, and the sender refuses any others."""
        return message.content

    def exhibits(self, message: Message) -> Mapping[str, bytes]:
        """Files that show a person what goes out, by name."""
        recipient = message.recipients[0] if message.recipients else Recipient(address="nobody@example.invalid")
        return {message.filename: self.compose(message, recipient)}

    def place(self, message: Message) -> str:  # noqa: ARG002  most channels have one place for all
        """Where this very message goes, for people."""
        return self.destination.place

    @abstractmethod
    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Write `compose(message, recipient)` to the other side. The only effect.

        `key` is stable over every attempt of one delivery. Raises DeliveryError only.
        """

    async def prepare(self) -> None:  # noqa: B027  most channels have nothing to open
        """Called a few seconds before an instant: open connections, renew a session. Writes nothing.

        Raises DeliveryError to warn a person while there is still time; the delivery is tried all the same.
        """

    async def learn(self) -> None:  # noqa: B027  most networks have one server
        """Ask the server that answers what it does with a repeat, before an attempt in doubt is repeated; `capabilities` says it
        from then on. Writes nothing there, raises nothing.
        """

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002
        """Class C: look whether an attempt begun at `since` was written. Reads only.

        Returns the receipt of what is there, None when it is certainly not there. Raises DeliveryError only: Unavailable
        or Throttled to look again later, anything else when it cannot be known.
        """
        raise Unsupported("this channel cannot be asked")

    async def withdraw(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Take back what was delivered with this receipt; what is gone already is no error. The answer's `detail` says what
        was done. Raises DeliveryError only; called where the capabilities say `delete`. A channel that follows the public
        lane delivers once more: what is gone there goes here.
        """
        if self.capabilities.follows_public:
            return await self.deliver(message, recipient, key)
        raise Unsupported("this channel cannot take anything back")

    async def amend(self, message: Message, recipient: Recipient, key: str, receipt: Receipt) -> Receipt:  # noqa: ARG002
        """Give what an earlier version delivered with this receipt the content of a correction; the same again changes
        nothing. Raises DeliveryError only; called where the capabilities say `edit`. Where a delivery takes the earlier
        one's place by itself, it delivers.
        """
        return await self.deliver(message, recipient, key)

    @property
    def remains(self) -> str:
        """What a person does about a delivery that this channel cannot take back."""
        return "tell those who have it"

    @property
    def advice(self) -> Sequence[str]:
        """What a person has to set up elsewhere for this channel, a line each: records in the DNS."""
        return ()

    @property
    def good_until(self) -> datetime | None:
        """When its credential ends, as far as this machine knows (UTC); None: it does not, or renews itself."""
        return None

    def left(self, token: str) -> tuple[str, str] | None:  # noqa: ARG002  only mails carry such a link
        """The address and the language that an unsubscribe token of this channel names; None for any other token."""
        return None

    def returned(self, address: str) -> str | None:  # noqa: ARG002  most channels have no bounce addresses
        """The key of the delivery whose bounce address this is; None: none of ours. Pure; `address` is a stranger's word, so a
        channel answers only what it can prove to have made itself.
        """
        return None

    def read_back(self, receipt: Receipt) -> bytes | None:  # noqa: ARG002  the default has nothing to read
        """The bytes as they lie at the destination, where that is this machine; None elsewhere."""
        return None

    async def close(self) -> None:  # noqa: B027  most channels keep nothing open
        """Give back connections."""


def public(text: LanguageVersion) -> tuple[Recipient, ...]:
    """The single recipient of a message that everybody can read."""
    return (Recipient(address=f"public/{text.lang}"),)
