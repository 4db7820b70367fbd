"""Whether the page of a release, to which feed, mail and posts link, is made by anybody."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from distributor import addresses
from distributor.contract import Channel, Finding, Kit, Message, Severity, Tier
from distributor.fields import spelled
from distributor.release import Release
from distributor.settings import Newsroom

#: How long a post waits for a page of somebody else to answer: a page that is put up by hand at the
#: instant is there by then, and one that never lets us in (a login, a robot check) holds up nothing.
FOREIGN_PAGE_WITHIN = timedelta(minutes=10)


def pages(release: Release, channels: Iterable[Channel]) -> frozenset[str]:
    """Return the languages in which one of `channels` makes the page."""
    makers = (channel for channel in channels if channel.capabilities.makes_page)
    return frozenset(text.lang for channel in makers for text in channel.texts(release))


def links(channel: Channel) -> bool:
    """Return whether what goes out on a channel leads to the page."""
    able = channel.capabilities
    return not (able.makes_page or able.follows_public or channel.tier is Tier.prebrief)


def findings(
    release: Release, newsroom: Newsroom, channels: Mapping[str, Channel], made: frozenset[str]
) -> Iterator[Finding]:
    """Say which language versions go out without a link, and which link comes before its page.

    `made` are the languages whose page the newsroom makes.
    """
    yield from _missing(release, newsroom, channels, made)
    opens = [channel.after for channel in channels.values() if channel.capabilities.makes_page]
    early = [name for name, one in channels.items() if opens and links(one) and one.after < min(opens)]
    early = [name for name in early if not channels[name].awaits_page and _to_own(release, newsroom, channels[name])]
    if early:
        text = f"{_names(early)} link to a page that comes only {spelled(min(opens))} after the embargo"
        yield Finding(severity=Severity.warning, code="page-later", text=text, field="after")


def awaited(channel: Channel, release: Release, kit: Kit, message: Message) -> Message:
    """Return the message with the page that has to be there before it goes out."""
    text = release.in_language(message.lang)
    page = kit.page_url(release, text) if text and channel.awaits_page else ""
    if not text or not page:
        return message
    foreign = addresses.foreign_page(kit.newsroom, release, text)
    within = FOREIGN_PAGE_WITHIN.total_seconds() if foreign else 0.0
    return replace(message, page=page, page_within=within)


def _missing(
    release: Release, newsroom: Newsroom, channels: Mapping[str, Channel], made: frozenset[str]
) -> Iterator[Finding]:
    for text in release.languages:
        if addresses.page(newsroom, release, text, made):
            continue
        names = [name for name, one in channels.items() if links(one) and text in one.texts(release)]
        if not names:
            continue
        words = (
            f"nobody makes a page of this release in {text.lang}: {_names(names)} go{'es' * (len(names) == 1)} out without a "
            "link to it; let a newsroom channel carry it, or name the page: page_url: https://…"
        )
        yield Finding(severity=Severity.warning, code="page-missing", text=words, field="page_url", lang=text.lang)


def site_remark(newsroom: Newsroom, channels: Mapping[str, Channel]) -> str:
    """Return what to tell of a site whose releases have no page; empty where they have one."""
    names = [name for name, one in channels.items() if links(one)]
    if newsroom.page_url or not names or any(one.capabilities.makes_page for one in channels.values()):
        return ""
    return (
        f"no channel makes pages: {_names(names)} go{'es' * (len(names) == 1)} out without a link to the release; enable "
        "[channels.newsroom], set page_url in [newsroom], or write page_url in each release"
    )


def _to_own(release: Release, newsroom: Newsroom, channel: Channel) -> bool:
    return any(not addresses.foreign_page(newsroom, release, text) for text in channel.texts(release))


def _names(names: list[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
