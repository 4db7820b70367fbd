"""What is done with a verdict: whose delivery it is, who is written to nobody again, what the history says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from distributor.bounces.verdict import Kind, Verdict
from distributor.contract import Channel
from distributor.presslist import Suppressions

#: Why an address is written to no more, by what came back.
_REASONS = {Kind.hard: "bounced", Kind.complaint: "complained", Kind.unsubscribe: "unsubscribed"}
#: What the history calls it.
_ACTIONS = {Kind.hard: "bounce", Kind.soft: "bounce", Kind.complaint: "complaint"}
#: Who says so in the history: no person.
_WHO = "bounces"


class Row(Protocol):
    """What is needed of a delivery."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def release_id(self) -> str:
        """Of which release."""

    @property
    def version(self) -> int:
        """Of which version."""

    @property
    def channel(self) -> str:
        """On which channel."""

    @property
    def recipient(self) -> str:
        """To whom."""


class Ledger(Protocol):
    """What is needed of the ledger."""

    def by_key(self, key: str) -> Row | None:
        """The delivery with that key."""

    def by_remote_id(self, remote_id: str) -> Row | None:
        """The delivery that the other side took under that id."""

    def bounce_known(self, delivery_id: int, mark: str) -> bool:
        """Whether the history has that mail."""

    def note_bounce(self, delivery_id: int, *, action: str, text: str, mark: str, now: datetime, who: str) -> bool:
        """Write it into the history, once for each mark; False where it was there."""


class Fate(StrEnum):
    """How a mail is counted."""

    hard = "hard"
    complaint = "complaint"
    unsubscribe = "unsubscribe"
    soft = "soft"
    automatic = "automatic"
    other = "other"
    unknown = "unknown"  #: it speaks of no delivery of ours: nobody is suppressed
    unreadable = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was done with one mail."""

    fate: Fate
    address: str = ""  #: of whom it is said
    release: str = ""  #: whose delivery it was; empty: none of ours
    channel: str = ""
    code: str = ""
    text: str = ""
    suppressed: bool = False  #: written to no more, since now


@dataclass(frozen=True, kw_only=True)
class Taker:
    """Handles verdicts against one site."""

    channels: tuple[Channel, ...]
    ledger: Ledger
    suppressions: Suppressions
    write: bool = True  #: False: only say what would be done

    def take(self, verdict: Verdict, mark: str, *, now: datetime) -> Taken:
        """Do what a verdict asks for, once: the same mail (`mark`) again changes nothing.

        Anybody can write a mail that looks like a bounce. So it counts only where it comes back to the bounce address of a delivery,
        which its recipient alone has seen, or where it names that recipient and gives back the Message-ID of the mail to them; and
        it suppresses that delivery's recipient, whatever other address it names. Any other is `unknown` and suppresses nobody.
        The Message-ID is the weaker proof: without `mail_key` no secret is in it.
        A wish to leave needs no delivery, since people write from the address they read, and it counts for its own From address only.
        """
        code, text = verdict.code, verdict.text
        if verdict.kind is Kind.other:
            fate = Fate.automatic if verdict.automatic else Fate.other
            return Taken(fate=fate, address=_first(verdict), code=code, text=text)
        if verdict.kind is Kind.unsubscribe:
            address = _first(verdict)
            new = self._suppress(verdict, address, now)
            return Taken(fate=Fate.unsubscribe, address=address, suppressed=new, code=code, text=text)
        row = self._row(verdict)
        if row is None:
            return Taken(fate=Fate.unknown, address=_first(verdict), code=code, text=text)
        # The list first: after a crash in between the next run does both again. What the history has is not done again, so that nobody
        # overrules a person who took an address off the list.
        known = self.ledger.bounce_known(row.id, mark)
        suppressed = not known and self._suppress(verdict, row.recipient, now)
        if self.write and not known:
            action = _ACTIONS[verdict.kind]
            self.ledger.note_bounce(row.id, action=action, text=_line(verdict), mark=mark, now=now, who=_WHO)
        return Taken(
            fate=Fate(verdict.kind),
            address=row.recipient,
            release=f"{row.release_id} v{row.version}",
            channel=row.channel,
            code=code,
            text=text,
            suppressed=suppressed,
        )

    def _row(self, verdict: Verdict) -> Row | None:
        for address in verdict.sent_to:
            for channel in self.channels:
                key = _returned(channel, address)
                row = self.ledger.by_key(key) if key else None
                if row and row.channel == channel.name:
                    return row
        row = self.ledger.by_remote_id(verdict.message_id) if verdict.message_id else None
        named = {address.casefold() for address in verdict.addresses}
        return row if row and row.recipient.casefold() in named else None

    def _suppress(self, verdict: Verdict, address: str, now: datetime) -> bool:
        reason = _REASONS.get(verdict.kind)
        if reason is None:
            return False
        if not self.write:
            return self.suppressions.why(address) is None
        return self.suppressions.add(address, reason, now=now, detail=_line(verdict))


def _returned(channel: Channel, address: str) -> str | None:
    try:
        return channel.returned(address)
    except Exception:  # a plug-in may raise anything; the address of a stranger is then none of its own
        return None


def _first(verdict: Verdict) -> str:
    return verdict.addresses[0] if verdict.addresses else ""


def _line(verdict: Verdict) -> str:
    """Never empty, and nothing that a spreadsheet takes for a formula."""
    return f"{verdict.code or 'no code'} {verdict.text}".strip()
