"""Out before its embargo: refused everywhere, unless somebody says so expressly with the reason.

What counts is the embargo that was agreed: the release's own, or that of its newest sealed version where that is later and
still waits. So neither another time, nor a move, nor an edited file lets it out earlier by itself.
"""

from dataclasses import replace
from datetime import datetime

from distributor import agreed, embargo
from distributor.embargo import Embargo
from distributor.errors import ActionError
from distributor.fields import BrokenEmbargo
from distributor.preview import Preview
from distributor.reading import ReleaseFile
from distributor.release import Release
from distributor.store import Ledger
from distributor.store import Release as Sealed

_HOW = (
    'If it is meant, say why: --break-embargo "…" on the command line, the reason beside the time on the desk, '
    "break_embargo in the API"
)


def floor(release: Release, newest: Sealed | None, now: datetime) -> Embargo | None:
    """The embargo that was agreed, or None. `newest`: the newest sealed version, which counts while it waits for its own."""
    own = release.broken_embargo.until if release.broken_embargo else release.embargoed_until
    sealed = agreed.embargo_of(newest.snapshot) if newest and not newest.killed_at and newest.lift > now else None
    return max((one for one in (own, sealed) if one), key=lambda one: one.instant, default=None)


def refuse(preview: Preview, ledger: Ledger | None, now: datetime) -> None:
    """ActionError for a preview that would go before the embargo that was agreed, where nobody says that it is broken."""
    release = preview.release
    found = floor(release, ledger.release(release.id) if ledger else None, now)
    said = release.broken_embargo
    if found and preview.lift < found.instant and not (said and said.until.instant >= found.instant):
        raise ActionError(refusal(preview.lift, found))


def refuse_without(preview: Preview, sealed: Sealed) -> None:
    """ActionError for a text without an embargo in the place of one that has it: the next move would find none to keep."""
    release = preview.release
    found = agreed.embargo_of(sealed.snapshot)
    if found and not release.embargoed_until and not release.broken_embargo:
        raise ActionError(
            f"the scheduled version is under embargo until {found.spelled()}, and the file has none any more: write "
            f"embargoed_until: {found.local():%Y-%m-%d %H:%M} {found.zone} back. To send it earlier, 'distributor reschedule' with --break-embargo \"…\""
        )


def refusal(at: datetime, found: Embargo) -> str:
    """The sentence that refuses an instant before an embargo."""
    when = embargo.spell(at, found.zone)
    return f"{when} is before the embargo of {found.spelled()}: {agreed.earlier(found.instant - at)}. {_HOW}"


def brought_forward(
    file: ReleaseFile, ledger: Ledger | None, at: datetime | None, reason: str, now: datetime
) -> ReleaseFile:
    """The release with its embargo broken: out at `at`, for `reason`. Raises ActionError where that breaks nothing."""
    release, why = file.release, " ".join(reason.split())
    found = floor(release, ledger.release(release.id) if ledger else None, now)
    lift = at or (release.embargoed_until.instant if release.embargoed_until else None)
    if not why:
        raise ActionError("say why the embargo is broken: the reason is empty")
    if lift is None or found is None or lift >= found.instant:
        raise ActionError("no embargo is broken by that time: leave the reason out, or name an earlier time")
    zone = release.embargoed_until.zone if release.embargoed_until else found.zone
    broken = BrokenEmbargo(until=found, reason=why)
    changes = {"embargoed_until": Embargo(lift, zone), "broken_embargo": broken}
    return replace(file, release=release.model_copy(update=changes))


def moved(file: ReleaseFile, sealed: Sealed, reason: str) -> ReleaseFile:
    """A sealed version at another instant (`file`): refused before the embargo that was agreed, or broken for `reason`."""
    lift, found = file.release.embargoed_until, agreed.embargo_of(sealed.snapshot)
    if lift is None or found is None or lift.instant >= found.instant:
        if reason:
            raise ActionError("no embargo is broken by that time: leave the reason out, or name an earlier time")
        return replace(file, release=file.release.model_copy(update={"broken_embargo": None}))
    if not reason.split():
        raise ActionError(refusal(lift.instant, found))
    broken = BrokenEmbargo(until=found, reason=" ".join(reason.split()))
    return replace(file, release=file.release.model_copy(update={"broken_embargo": broken}))
