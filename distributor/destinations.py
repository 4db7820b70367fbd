"""Where a channel's deliveries go: agreed when a release is sealed, compared before anything leaves. Pure."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from distributor.store.rows import Agreed, Waiting

if TYPE_CHECKING:
    from distributor.contract import Channel

Facts = Mapping[str, str | None]


def sealed(release_id: str, version: int, channels: "Iterable[Channel]") -> list[Agreed]:
    """Return what is recorded of the channels of a version."""
    found = {channel.name: channel for channel in channels}
    return [
        Agreed(
            release_id=release_id,
            version=version,
            channel=name,
            facts=channel.destination_facts,
            deletes=channel.capabilities.delete,
        )
        for name, channel in found.items()
    ]


def differences(agreed: Facts, now: Facts) -> list[tuple[str, str, str]]:
    """Return (word, agreed value, value now) of what differs. What was not known on either side is not compared."""
    found = []
    for word in dict.fromkeys((*agreed, *now)):
        then, here = agreed.get(word, ""), now.get(word, "")
        if then is not None and here is not None and then != here:
            found.append((word, then, here))
    return found


def spelled(agreed: Facts, now: Facts) -> str:
    """Return the differences for people: `server smtp://a:25 → smtp://b:25`."""
    return ", ".join(f"{word} {then or '–'} → {here or '–'}" for word, then, here in differences(agreed, now))


def objection(name: str, agreed: Facts | None, channel: "Channel | None") -> tuple[str, Facts | None] | None:
    """Return why what waits for this channel may not leave, and where it leads now; None where it may.

    A version that was sealed before destinations were recorded (`agreed` is None) is not compared.
    """
    if channel is None:
        return f"the channel '{name}' is not in the config any more", None
    if agreed is None or not differences(agreed, now := channel.destination_facts):
        return None
    return f"its destination is not the agreed one: {spelled(agreed, now)}", now


def moved(found: Agreed) -> str:
    """Return the sentence about a channel that leads elsewhere than agreed, and what to do."""
    what = spelled(found.facts, found.found or {})
    name = f"'{found.release_id}' version {found.version}"
    waits = f"; {found.asked_who} said yes, and somebody else has to, too" if found.asked_who else ""
    return (
        f"{found.channel} of {name} is stopped: its destination is not the agreed one ({what}){waits}. Look, then "
        f"'distributor confirm {found.release_id} --channel {found.channel}', or put the config back"
    )


def missing(found: Waiting) -> str:
    """Return the sentence about deliveries whose channel is gone, and what to do."""
    count = "1 delivery waits" if found.number == 1 else f"{found.number} deliveries wait"
    return (
        f"{count} for the channel '{found.channel}' of '{found.release_id}' version {found.version}, which is not in the "
        f"config any more: put [channels.{found.channel}] back, or 'distributor cancel {found.release_id}'"
    )


def changed(
    waiting: Iterable[Waiting], channels: "Mapping[str, Channel | None]"
) -> dict[tuple[str, int, str], Facts | None]:
    """Return what to record for each channel of a version: what its destination is now, None where that is the agreed one."""
    found: dict[tuple[str, int, str], Facts | None] = {}
    for one in waiting:
        channel = channels.get(one.channel)
        if one.agreed is None or channel is None:
            continue
        facts = channel.destination_facts
        now = facts if differences(one.agreed.facts, facts) else None
        if now != one.agreed.found:
            found[one.release_id, one.version, one.channel] = now
    return found


def mended(waiting: Iterable[Waiting], channels: "Mapping[str, Channel | None]") -> list[tuple[str, int, str]]:
    """Return the channels of versions that were stopped and are as agreed again."""
    found = []
    for one in waiting:
        facts = one.agreed.facts if one.agreed else None
        if one.stopped and objection(one.channel, facts, channels.get(one.channel)) is None:
            found.append((one.release_id, one.version, one.channel))
    return found
