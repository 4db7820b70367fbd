"""Four eyes: an approval is of bytes and of when they go, so any change voids it, and it is said what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from distributor import agreed, sheet
from distributor.embargo import spell
from distributor.errors import ActionError
from distributor.plain import counted
from distributor.preview import Preview
from distributor.settings import Policy
from distributor.store import Ledger, approvals
from distributor.store.approvals import Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a preview stands with those who approve."""

    valid: tuple[Approval, ...]  #: of exactly these bytes
    void: tuple[Approval, ...]  #: of other bytes, or taken back
    changed: tuple[str, ...]  #: `channel/lang` of what differs from the newest void one
    before: Mapping[str, str]  #: `channel/lang` → what was read then, as `words` says it now

    def by_another(self, who: str) -> bool:
        """Whether somebody else approved exactly these bytes."""
        return any(one.who != who for one in self.valid)


def words(preview: Preview) -> dict[str, str]:
    """What somebody who approves reads of each part: when a message goes, to how many, and its text."""
    made = {"late": sheet.late(preview)}
    if "embargo" in preview.parts:
        made["embargo"] = "\n".join(agreed.remarks(preview.release.model_dump_json()))
    for one in preview.rendered:
        head = f"{spell(one.due, preview.release.zone)} · {len(one.copies)}"
        made[f"{one.message.channel}/{one.message.lang}"] = f"{head}\n\n{one.message.words}"
    return made


def standing(ledger: Ledger, preview: Preview) -> Standing:
    """What was approved, and whether it still is."""
    found, now = approvals.of(ledger, preview.release.id, preview.release.version), preview.parts
    valid = tuple(one for one in found if one.seal == preview.digest and one.digests == now and not one.revoked_at)
    void = tuple(one for one in found if one not in valid)
    last = next((one for one in void if one.revoked_at is None), None) if not valid else None
    then = last.digests if last else now
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return Standing(valid=valid, void=void, changed=tuple(changed), before=last.words if last else {})


def approve(ledger: Ledger, preview: Preview, *, who: str, now: datetime) -> Standing:
    """Approve exactly these bytes; once more changes nothing. Raises ActionError for what could not be scheduled, or whose time is
    not fixed: its bytes would be others.
    """
    if errors := preview.errors():
        raise ActionError(f"it has {counted(len(errors), 'error')}, the first: {errors[0].text}")
    if not preview.lift_is_fixed:
        raise ActionError("it has no embargo: say when it goes out, then approve it")
    known = standing(ledger, preview)
    if not any(one.who == who for one in known.valid):
        approvals.add(
            ledger,
            Approval(
                release_id=preview.release.id,
                version=preview.release.version,
                seal=preview.digest,
                digests=preview.parts,
                words=words(preview),
                who=who,
                at=now,
                revoked_at=None,
            ),
        )
    return standing(ledger, preview)


def revoke(ledger: Ledger, preview: Preview, *, who: str, now: datetime) -> int:
    """Take back what `who` approved of the version; returns how many approvals."""
    return approvals.revoke(ledger, preview.release.id, preview.release.version, who=who, now=now)


def refuse_alone(ledger: Ledger, preview: Preview, policy: Policy, *, who: str) -> None:
    """With four eyes: ActionError unless somebody other than `who` approved exactly these bytes."""
    if not policy.four_eyes:
        return
    known = standing(ledger, preview)
    if known.by_another(who):
        return
    name = preview.release.id
    if known.valid:
        raise ActionError(
            f"'{name}' was approved by {who} alone: the one who schedules it must be another ([policy] four_eyes)"
        )
    if known.changed:
        last = known.void[0]
        when = spell(last.at, preview.release.zone)
        raise ActionError(
            f"'{name}' changed since {last.who} approved it on {when}: {', '.join(known.changed)}. Approve it anew"
        )
    raise ActionError(f"nobody approved '{name}' yet: somebody other than {who} has to ([policy] four_eyes)")
