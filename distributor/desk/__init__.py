"""What a person can do: the same actions for the command line and the web."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from distributor import approving, audiences, early, embargo, seal, standing
from distributor.desk import publishing
from distributor.desk.backup import BackingUp
from distributor.desk.confirming import Confirming
from distributor.desk.replacing import Replacing
from distributor.desk.restoring import Restoring
from distributor.errors import ActionError
from distributor.lifecycle import STOPPED, WAITING, PubStatus, State
from distributor.preview import Preview
from distributor.store import Change, Delivery, Ledger, Release, retrying
from distributor.store import destinations as places

__all__ = ["Desk", "Scheduled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """What `schedule` did."""

    preview: Preview
    release: Release
    already: bool  #: the very same was scheduled before; nothing changed


@dataclass(kw_only=True)
class Desk(Replacing, Confirming, Restoring, BackingUp):
    """What a person can do on one site."""

    # ── actions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, path: Path, at: datetime | None = None, *, agreed: str | None = None) -> Scheduled:
        """Seal the release as it is previewed now and plan its deliveries. `agreed` is of the preview that a person looked at.

        Raises Refusal for findings of severity error, ActionError for an instant in the past or a version that is
        already scheduled with other content. Nothing is written then.
        """
        self.site.need_root()
        now = self.clock.now()
        preview = self.preview(path, at)
        release = preview.release
        seal.refuse_other_than(agreed, preview)
        seal.refuse_past(preview, at, now)
        seal.refuse_errors(preview)
        if not preview.rendered:
            raise ActionError("no channel would send anything: enable one in the config")
        row = replace(seal.release(preview, now), inputs=self.inputs_of(preview.file))
        with self.ledger(create=True) as ledger:
            known = ledger.release(release.id, release.version)
            rows = ledger.deliveries(known.id, known.version) if known else []
            if known and any(row.state is not State.canceled or row.attempts for row in rows):
                seal.refuse_other(known, row)
                seal.refuse_other_times(rows, preview)
                return Scheduled(preview=preview, release=known, already=True)
            early.refuse(preview, ledger, now)
            approving.refuse_alone(ledger, preview, self.settings.policy, who=self.who)
            messages = [seal.dump(one.message) for one in preview.rendered]
            ledger.plan(
                row, messages, seal.deliveries(preview), who=self.who, destinations=seal.destinations_of(preview)
            )
        publishing.open_public(self)
        self.remember()
        return Scheduled(preview=preview, release=row, already=False)

    def hold(self, release_id: str) -> tuple[Release, int]:
        """Stop everything of a release that is not on the wire, until `resume`. Returns how many deliveries."""
        return self._change(release_id, "hold", WAITING, State.held)

    def resume(self, release_id: str) -> tuple[Release, int]:
        """Plan again what was held, missed or failed; what is overdue goes out at once, as this person wants it."""
        return self._change(release_id, "resume", STOPPED, State.planned)

    def cancel(self, release_id: str) -> tuple[Release, int]:
        """Cancel everything of a release that has not gone out. Returns how many deliveries."""
        return self._change(release_id, "cancel", (*WAITING, *STOPPED), State.canceled)

    def _change(self, release_id: str, action: str, from_states: Iterable[State], to: State) -> tuple[Release, int]:
        """On every version of the release: who says 'hold' means all of it."""
        with self.ledger() as ledger:
            newest, moved = self.known(ledger, release_id), 0
            for one in ledger.releases(release_id):
                if one.killed_at and not newest.killed_at:
                    continue  # an older version that was withdrawn
                status = {State.held: PubStatus.withheld, State.canceled: PubStatus.canceled}.get(to, PubStatus.usable)
                if to is State.canceled and ledger.is_out(one.id, one.version):
                    status = PubStatus.usable  # to take back what is out is a kill, not a cancel
                change = Change(
                    action=action,
                    from_states=tuple(from_states),
                    to=to,
                    pub_status=status,
                    late_ok=to is State.planned,
                )
                moved += ledger.change(one.id, one.version, change, now=self.clock.now(), who=self.who)
        return newest, moved

    def reschedule(
        self, release_id: str, at: datetime, zone: str | None = None, *, agreed: str | None = None
    ) -> Scheduled:
        """Move a release of which nothing was attempted yet to the instant `at`: its sealed version is rendered for the new
        time, sealed and planned in place of the old one, all or nothing. What was on hold stays on hold.

        `zone`: how people write the new time; `agreed`: of what `moved` showed. Raises Refusal, ActionError for the past or a
        release that is on its way.
        """
        with self.ledger() as ledger:
            known = self.known(ledger, release_id)
            preview = self._moved(ledger, known, at, zone)
            seal.refuse_other_than(agreed, preview)
            seal.refuse_errors(preview)
            approving.refuse_alone(ledger, preview, self.settings.policy, who=self.who)
            row = replace(seal.release(preview, self.clock.now()), inputs=known.inputs)
            messages = [seal.dump(one.message) for one in preview.rendered]
            ledger.plan(
                row,
                messages,
                seal.deliveries(preview),
                who=self.who,
                again="reschedule",
                destinations=seal.destinations_of(preview),
            )
        return Scheduled(preview=preview, release=row, already=False)

    def moved(self, release_id: str, at: datetime, zone: str | None = None) -> Preview:
        """What `reschedule` would seal: the sealed version at the instant `at`. Nothing is written. Raises as `reschedule`."""
        with self.ledger() as ledger:
            return self._moved(ledger, self.known(ledger, release_id), at, zone)

    def _moved(self, ledger: Ledger, known: Release, at: datetime, zone: str | None) -> Preview:
        now = self.clock.now()
        if at < now - timedelta(seconds=5):
            raise ActionError(f"{embargo.spell(at, known.zone)} is in the past")
        rows = ledger.deliveries(known.id, known.version)
        sealed = self.sealed_messages(ledger, rows).values()
        media = seal.originals(file for message in sealed for file in message.media)
        file = early.moved(seal.reopened(known, at, zone), known, self.break_embargo)
        chosen = audiences.adapted(self.channels_of(rows), file, self.settings, self.built, whole=False)
        press = replace(self.press, catch_up_within=known.catch_up_within)
        earlier = ledger.published(known.id, known.version)
        up = standing.posts(self.ledger_if_any, known.id, known.version, chosen)
        pages = self.pages_of(file, chosen)
        return press.preview(file, chosen, now, at, media=media, earlier=earlier, up=up, pages=pages)

    def retry(
        self,
        release_id: str,
        *,
        version: int | None = None,
        channel: str | None = None,
        recipient: str | None = None,
    ) -> Counter[str]:
        """Try again, now, what failed, was refused or missed, or waits for its next try; of every `version` where none is named.
        What was sealed is sent, once more under the same key. Returns how many on each channel.

        Raises ActionError where nothing fits, or the release is on hold, withdrawn or overtaken by a newer version.
        """
        with self.ledger() as ledger:
            known = self.known(ledger, release_id)
            self.refuse_unknown(ledger, release_id, version=version, channel=channel, recipient=recipient)
            if known.pub_status is PubStatus.withheld:
                raise ActionError(f"'{release_id}' is on hold: resume it, and all of it that can goes out")
            there, planned = retrying.retry(
                ledger,
                release_id,
                version=version,
                channel=channel,
                recipient=recipient,
                now=self.clock.now(),
                who=self.who,
            )
        if not there:
            raise ActionError(f"nothing of '{release_id}' that fits failed, was refused or missed, or waits for a try")
        if not planned:
            raise ActionError(f"'{release_id}' was withdrawn, or a newer version is there: nothing is tried again")
        return planned

    def settle(
        self,
        release_id: str,
        *,
        there: bool,
        version: int | None = None,
        channel: str | None = None,
        recipient: str | None = None,
        url: str | None = None,
    ) -> list[Delivery]:
        """Record what a person found out about deliveries in doubt: it is `there`, or is to be sent again.

        `url` is where it is. Return what was settled. Raise ActionError where nothing that fits is in doubt.
        """
        with self.ledger() as ledger:
            self.known(ledger, release_id)
            self.refuse_unknown(ledger, release_id, version=version, channel=channel, recipient=recipient)
            rows = [
                row
                for one in ledger.releases(release_id)
                if version in (None, one.version)
                for row in ledger.deliveries(one.id, one.version)
                if row.state is State.in_doubt and channel in (None, row.channel) and recipient in (None, row.recipient)
            ]
            settled = ledger.settle_doubt(rows, there=there, url=url, now=self.clock.now(), who=self.who)
        if not rows:
            raise ActionError(f"nothing of '{release_id}' that fits is in doubt")
        if not settled:
            raise ActionError(
                f"'{release_id}' is in doubt, but a newer version is there already: nothing was sent again"
            )
        return settled

    def close(
        self,
        release_id: str,
        *,
        version: int | None = None,
        channel: str | None = None,
        recipient: str | None = None,
    ) -> list[Delivery]:
        """Cancel what did not arrive and shall not be sent: nobody has to look at it any more.

        A delivery in doubt is closed likewise: the person says that it is not there. Return what was
        closed. Raise ActionError where nothing that fits needs a person.
        """
        with self.ledger() as ledger:
            self.known(ledger, release_id)
            self.refuse_unknown(ledger, release_id, version=version, channel=channel, recipient=recipient)
            closed = retrying.close(
                ledger,
                release_id,
                version=version,
                channel=channel,
                recipient=recipient,
                now=self.clock.now(),
                who=self.who,
            )
        if not closed:
            raise ActionError(f"nothing of '{release_id}' that fits failed, was refused or missed, or is in doubt")
        return closed

    def kill(self, release_id: str) -> tuple[Release, list[Delivery], list[Delivery]]:
        """Withdraw a release for good: what is not out is canceled; where it can be taken back, that is planned, due now.

        Returns the newest version, what is being taken back, and what cannot be. Raises ActionError for an unknown one.
        """
        with self.ledger() as ledger:
            newest, versions, back, left = self.known(ledger, release_id), ledger.releases(release_id), [], []
            names = {row.channel for one in versions for row in ledger.deliveries(one.id, one.version)}
            could = {
                name
                for one in versions
                for name, agreed in places.recorded(ledger, one.id, one.version).items()
                if agreed.deletes
            }
            found = {name: self.find_channel(name) for name in names}
            if not self.problem:
                could &= self.settings.channels.keys()  # what was taken out of a config that reads is done by hand
            # One that is broken takes back what it could at sealing, once it reads again.
            able = [name for name, one in found.items() if (one.capabilities.delete if one else name in could)]
            for one in versions:
                taken, stays = ledger.kill(one.id, one.version, able, now=self.clock.now(), who=self.who)
                back += taken
                left += stays
        return newest, back, left

    def remains(self, names: Iterable[str]) -> dict[str, str]:
        """Return what a person does about what these channels cannot take back, by channel."""
        found = {name: self.find_channel(name) for name in names}
        return {
            name: channel.remains if channel else "the channel left the config: delete it there by hand"
            for name, channel in found.items()
        }

    # ── four eyes ─────────────────────────────────────────────────────────────────────────────────────────────────

    def approve(self, preview: Preview, *, agreed: str | None = None) -> approving.Standing:
        """Say that exactly these bytes may go out at exactly these times. Raises ActionError as `approving.approve`."""
        seal.refuse_other_than(agreed, preview)
        with self.ledger(create=True) as ledger:
            early.refuse(preview, ledger, self.clock.now())
            return approving.approve(ledger, preview, who=self.who, now=self.clock.now())

    def revoke(self, preview: Preview) -> int:
        """Take back what this person approved of the version; returns how many approvals."""
        with self.ledger(create=True) as ledger:
            return approving.revoke(ledger, preview, who=self.who, now=self.clock.now())

    def standing(self, preview: Preview) -> approving.Standing:
        """Who approved these bytes, and what changed since."""
        with self.ledger(create=True) as ledger:
            return approving.standing(ledger, preview)
