"""feedgen in one room, with what it gets wrong repaired through its own extension mechanism.

The defects of feedgen 1.0.0 that matter here: dates go through process-wide `setlocale`; RSS knows only one atom link;
entries have no room for captions, credits or a correction's time; a date that is not given becomes now.
"""

import email.utils
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

# feedgen formats dates by switching the whole process to the C locale and back, which other threads see.
feedgen.feed.formatRFC2822 = email.utils.format_datetime
feedgen.entry.formatRFC2822 = email.utils.format_datetime

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
MEDIA = "http://search.yahoo.com/mrss/"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
TYPE = "application/rss+xml"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OPEN_ITEM = re.compile(rb"^<item(?:\s+xmlns(?::\w+)?=\"[^\"]*\")*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One photo of an item, at its public address. A photo that lies elsewhere on the web has no `size`."""

    url: str
    type: str | None  #: None: its address does not say
    size: int | None  #: bytes
    caption: str = ""
    alt: str = ""
    credit: str = ""
    rights: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One release in a feed. Times are aware and in whole seconds."""

    guid: str
    title: str
    url: str
    summary: str  #: plain text
    content: str  #: HTML
    issuer: str
    language: str
    published: datetime
    modified: datetime | None = None
    categories: Sequence[tuple[str, str]] = ()  #: (term, domain)
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the items."""

    title: str
    description: str
    home: str
    address: str  #: the feed's own URL
    language: str
    updated: datetime  #: of the newest item, never now
    copyright: str | None = None
    logo: str | None = None
    hub: str | None = None
    ttl: int = 15


def legal(text: str) -> str:
    """Without the characters that XML 1.0 forbids."""
    return _ILLEGAL.sub("", text)


class _PressFeed(BaseExtension):  # type: ignore[misc]  # feedgen is untyped
    """Channel elements that feedgen has no call for."""

    def __init__(self) -> None:
        self.hub: str | None = None

    def extend_ns(self) -> dict[str, str]:
        return {"dc": DC, "dcterms": DCTERMS, "media": MEDIA}

    def extend_rss(self, feed: "etree._Element") -> "etree._Element":
        if self.hub:  # after `self`: a reader blind to namespaces takes the first link it meets for the newsroom
            own = feed[0].find(f"{{{ATOM}}}link[@rel='self']")
            own.addnext(etree.Element(f"{{{ATOM}}}link", href=self.hub, rel="hub"))
        return feed


class _PressEntry(BaseEntryExtension):  # type: ignore[misc]  # feedgen is untyped
    """Item elements that feedgen has no call for."""

    def __init__(self) -> None:
        self.item: Item | None = None

    def extend_rss(self, entry: "etree._Element") -> "etree._Element":
        item = self.item
        if item is None:
            return entry
        etree.SubElement(entry, f"{{{DC}}}creator").text = legal(item.issuer)
        etree.SubElement(entry, f"{{{DC}}}language").text = item.language
        if item.modified:
            stamp = item.modified.isoformat(timespec="seconds")
            etree.SubElement(entry, f"{{{DCTERMS}}}modified").text = stamp
        for picture in item.pictures:
            _picture(entry, picture)
        return entry


def _picture(entry: "etree._Element", picture: Picture) -> None:
    """Media RSS 1.5: one `media:content` per photo, direct children of the item, with its words inside."""
    facts = {"url": picture.url}
    if picture.type:
        facts["type"] = picture.type
    facts["medium"] = "image"
    if picture.size is not None:
        facts["fileSize"] = str(picture.size)
    if picture.width and picture.height:
        facts |= {"width": str(picture.width), "height": str(picture.height)}
    media = etree.SubElement(entry, f"{{{MEDIA}}}content", facts)
    if picture.alt:
        etree.SubElement(media, f"{{{MEDIA}}}title", type="plain").text = legal(picture.alt)
    if picture.caption:
        etree.SubElement(media, f"{{{MEDIA}}}description", type="plain").text = legal(picture.caption)
    if picture.credit:
        etree.SubElement(media, f"{{{MEDIA}}}credit", role="photographer", scheme="urn:ebu").text = legal(
            picture.credit
        )
    if picture.rights:
        etree.SubElement(media, f"{{{MEDIA}}}copyright").text = legal(picture.rights)


def item_bytes(item: Item) -> bytes:
    """One `<item>` as it stands in the feed, byte for byte, made by feedgen."""
    generator = _generator(_PLACEHOLDER, [item])
    root = etree.fromstring(generator.rss_str(), _parser())
    element = root.find("channel/item")
    return _OPEN_ITEM.sub(b"<item>", etree.tostring(element, encoding="UTF-8", with_tail=False).split(b"?>\n", 1)[-1])


def feed_bytes(frame: Frame, items: Iterable[bytes]) -> bytes:
    """The whole feed from items that `item_bytes` made, the newest first."""
    empty: bytes = _generator(frame, []).rss_str(pretty=False)
    head, _, tail = empty.partition(b"</channel>")
    return head + b"\n" + b"".join(item + b"\n" for item in items) + b"</channel>" + tail + b"\n"


def items_in(feed: bytes) -> dict[str, bytes]:
    """The items of a feed by guid, as their bytes stand there."""
    found = {}
    for match in re.finditer(rb"<item>.*?</item>", feed, re.DOTALL):
        guid = re.search(rb"<guid[^>]*>([^<]*)</guid>", match[0])
        if guid:
            found[html.unescape(guid[1].decode("utf-8", "replace"))] = match[0]
    return found


def sound(item: bytes, guid: str) -> bool:
    """Whether bytes are one whole `<item>` with this guid, which cannot break the feed that they are put into."""
    spaces = {"atom": ATOM, "content": CONTENT, "dc": DC, "dcterms": DCTERMS, "media": MEDIA}
    declared = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in spaces.items())
    try:
        root = etree.fromstring(b"<rss %s>%s</rss>" % (declared.encode(), item), _parser())
    except etree.XMLSyntaxError:
        return False
    return item.startswith(b"<item>") and len(root) == 1 and not root[0].tail and root[0].findtext("guid") == guid


def _parser() -> "etree.XMLParser":
    """For our own bytes, however long; entities and the network stay out of it all the same."""
    return etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)


_PLACEHOLDER = Frame(
    title="-",
    description="-",
    home="https://newsroom.example/",
    address="https://newsroom.example/feed.xml",
    language="en",
    updated=datetime.fromisoformat("2000-01-01T00:00:00+00:00"),
)


def _generator(frame: Frame, items: Sequence[Item]) -> "feedgen.feed.FeedGenerator":
    made = feedgen.feed.FeedGenerator()
    made.register_extension("press", _PressFeed, _PressEntry, atom=False, rss=True)
    made.id(frame.address)
    made.title(legal(frame.title))
    made.description(legal(frame.description))
    made.language(frame.language)
    made.link(href=frame.address, rel="self", type=TYPE)
    made.link(href=frame.home, rel="alternate", type="text/html")  # last: RSS's <link> is the last one given
    made.press.hub = frame.hub
    if frame.copyright:
        made.copyright(legal(frame.copyright))
    if frame.logo:
        made.image(frame.logo, title=legal(frame.title), link=frame.home)
    made.ttl(frame.ttl)
    made.generator("distributor")
    made.docs("https://www.rssboard.org/rss-specification")
    made.lastBuildDate(frame.updated)
    for item in items:
        _entry(made, item)
    return made


def _entry(made: "feedgen.feed.FeedGenerator", item: Item) -> None:
    entry = made.add_entry(order="append")
    entry.press.item = item
    entry.guid(item.guid, permalink=False)
    entry.title(legal(item.title))
    entry.link(href=item.url, rel="alternate", type="text/html")
    # A description is HTML: escaped here, and again as XML.
    entry.summary(html.escape(legal(item.summary), quote=False))
    entry.content(legal(item.content), type="html")
    entry.published(item.published)
    entry.updated(item.modified or item.published)
    entry.category([{"term": legal(term), "scheme": domain} for term, domain in item.categories])
    for lead in item.pictures[:1]:  # one enclosure at most, and none whose true length is not known
        if lead.type and lead.size is not None:
            entry.enclosure(lead.url, str(lead.size), lead.type)
