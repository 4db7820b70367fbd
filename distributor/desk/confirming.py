"""A channel that leads elsewhere than agreed: a person looks, and agrees to the new destination without sealing anew."""

import hashlib
import json
from dataclasses import dataclass

from distributor import destinations
from distributor.desk.open import OpenSite
from distributor.errors import ActionError, nearest
from distributor.store import Agreed, Ledger
from distributor.store import destinations as places


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverted:
    """One channel of a version whose destination is not the agreed one."""

    agreed: Agreed
    now: destinations.Facts
    number: int  #: deliveries that wait for it
    done: bool = False  #: it was confirmed; False under four eyes: somebody else has to say yes, too

    @property
    def differences(self) -> list[tuple[str, str, str]]:
        """The word, the agreed value and the value now of all that differs."""
        return destinations.differences(self.agreed.facts, self.now)

    @property
    def token(self) -> str:
        """A digest of what is looked at: what a person says yes to."""
        facts = [
            self.agreed.release_id,
            self.agreed.version,
            self.agreed.channel,
            dict(self.agreed.facts),
            dict(self.now),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class Confirming(OpenSite):
    """What a person can see and do about destinations."""

    def diverted(self, release_id: str | None = None) -> list[Diverted]:
        """Return every channel with something waiting whose destination differs from the agreed one, by today's config."""
        with self.ledger() as ledger:
            if release_id is not None:
                self.known(ledger, release_id)
            return self._diverted(ledger, release_id)

    def _diverted(self, ledger: Ledger, release_id: str | None) -> list[Diverted]:
        found = []
        for one in places.waiting(ledger, release_id):
            channel = self.find_channel(one.channel) if one.agreed else None
            if one.agreed and channel and destinations.differences(one.agreed.facts, channel.destination_facts):
                found.append(Diverted(agreed=one.agreed, now=channel.destination_facts, number=one.number))
        return found

    def confirm(
        self, release_id: str, channel: str, *, version: int | None = None, agreed: str | None = None
    ) -> list[Diverted]:
        """Agree to where a channel leads now, in place of what was agreed at sealing. What was sealed stays sealed; what was
        stopped goes out, what is overdue at once.

        `agreed` is the token of what a person looked at. With four eyes the first person's yes is recorded, and
        the yes of another one to the same destination does it. Raises ActionError where nothing differs.
        """
        with self.ledger() as ledger:
            self.known(ledger, release_id)
            there = self._diverted(ledger, release_id)
            chosen = [m for m in there if m.agreed.channel == channel and version in (None, m.agreed.version)]
            if not chosen:
                names = sorted({m.agreed.channel for m in there})
                raise ActionError(
                    f"nothing of '{release_id}' waits for a channel '{channel}' that leads elsewhere than agreed"
                    f"{nearest(channel, names)}"
                )
            if agreed is not None and agreed not in {m.token for m in chosen}:
                raise ActionError("this is another destination than the one that was looked at: look again")
            return [self._agree(ledger, one) for one in chosen]

    def _agree(self, ledger: Ledger, moved: Diverted) -> Diverted:
        known, now = moved.agreed, self.clock.now()
        key = (known.release_id, known.version, known.channel)
        second = known.asked_who not in (None, self.who) and known.asked_facts == moved.now
        if self.settings.policy.four_eyes and not second:
            places.ask(ledger, key, moved.now, who=self.who, now=now)
            return moved
        detail = f"{known.channel}: {destinations.spelled(known.facts, moved.now)}"
        if second:
            detail += f" (with {known.asked_who})"
        places.confirm(ledger, key, moved.now, detail=detail, who=self.who, now=now)
        return Diverted(agreed=known, now=moved.now, number=moved.number, done=True)
