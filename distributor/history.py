"""What earlier versions of a release leave to a correction: the date of the first publication."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from distributor.contract import Channel, Finding, Kit, Severity
from distributor.embargo import spell
from distributor.lifecycle import Priority
from distributor.release import Release
from distributor.store import Published


@runtime_checkable
class Remembering(Protocol):
    """A channel that keeps what it released."""

    def released(self, release: Release, kit: Kit) -> Mapping[str, datetime]:
        """Return, by language, when an earlier version of a release was published here."""


def first_published(channel: Channel, release: Release, kit: Kit, earlier: Sequence[Published]) -> dict[str, datetime]:
    """Return, by language, when a version before this one was first published.

    What publishes (feed and newsroom) goes by its own deliveries, or else by the other's, and by
    what it kept. Everything else goes by the instant of the release.
    """
    if release.version == 1:
        return {}
    found: dict[str, datetime] = {}
    publishes = channel.capabilities.always_publishes
    for lang in {one.lang for one in earlier}:
        rows = [one for one in earlier if one.lang == lang]
        public = [one.at for one in rows if one.priority == Priority.public]
        own = [one.at for one in rows if one.channel == channel.name]
        lifts = [one.lift for one in rows]
        found[lang] = min((own or public or lifts) if publishes else lifts)
    for lang, when in (channel.released(release, kit) if isinstance(channel, Remembering) else {}).items():
        found[lang] = min(found.get(lang, when), when)
    return found


def first_day(release: Release, earlier: Sequence[Published], lift: datetime) -> list[Finding]:
    """Say which date a correction keeps."""
    first = min((one.lift for one in earlier if one.lang == release.main.lang), default=lift)
    if first >= lift:
        return []
    text = f"first published {spell(first, release.zone)}: that date stays, and the change has its own"
    return [Finding(severity=Severity.note, code="first-published", text=text)]
