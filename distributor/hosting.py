"""Files that a message names by their public address: which channel puts them there, and who waits for them.

A network that fetches a photo by its address gets the very bytes that were fitted for it. They are sealed with the
newsroom's or the feed's message, so that they are public at the instant, copied to a CDN with the pages, made again by a
rebuild, and taken down by a kill.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from distributor.contract import Channel, Finding, MediaFile, Message, Severity, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One message with its channel, when it goes (UTC), and what is to be said of its files."""

    channel: Channel
    message: Message
    due: datetime
    findings: tuple[Finding, ...] = ()


def place(found: Sequence[Placed], address: Callable[[MediaFile], str], *, whole: bool) -> list[Placed]:
    """Return the messages with every hosted file given to a public channel's message, and its address to who waits for it.

    `address` is the public one of a file. `whole`: these are all messages of the release, so that a file without a public
    channel is a mistake.
    """
    hosts = [at for at, one in enumerate(found) if one.channel.capabilities.hosts_media and _is_public(one)]
    made = list(found)
    for at, one in enumerate(found):
        if not one.message.hosted:
            continue
        host = min(
            hosts, key=lambda host: (found[host].due, found[host].message.lang != one.message.lang), default=None
        )
        if host is not None:
            made[host] = replace(made[host], message=_with(made[host].message, one.message.hosted))
        waits = host is not None and one.channel.awaits_page
        awaits = tuple(address(file) for file in one.message.hosted) if waits else ()
        said = tuple(_remarks(one, found[host] if host is not None else None, whole=whole))
        made[at] = replace(made[at], message=replace(made[at].message, awaits=awaits), findings=said)
    return made


def _is_public(one: Placed) -> bool:
    return one.channel.tier is not Tier.prebrief


def _with(message: Message, files: Sequence[MediaFile]) -> Message:
    """The message with these files beside its own, each address once; what they show stands in the posts."""
    known = {file.address for file in message.media}
    new = {file.address: replace(file, alt="") for file in files if file.address not in known}
    return replace(message, media=(*message.media, *new.values()))


def _remarks(one: Placed, host: Placed | None, *, whole: bool) -> Iterator[Finding]:
    """What keeps the other side from finding the files."""
    if not whole or one.message.content_type.startswith("message/"):
        return
    name = one.channel.name
    if host is None:
        photos = {file.sha256 for file in one.message.hosted} & {file.sha256 for file in one.message.media}
        text = (
            "the network fetches its photos from the newsroom's address, and no channel puts them there: switch a newsroom or "
            f'rss channel on, or set media = "card" in [channels.{name}]'
        )
        severe = Severity.error if photos and one.channel.destination.live else Severity.warning
        yield Finding(severity=severe, code="photos-nowhere", text=text, field="media", channel=name)
    elif one.due < host.due:
        severe = Severity.error if one.channel.tier is Tier.prebrief else Severity.warning
        text = f"its photos are public only when '{host.channel.name}' goes out, which is later"
        yield Finding(severity=severe, code="photos-later", text=text, field="after", channel=name)
