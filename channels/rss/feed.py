"""RSS and Atom: feedgen in one room, with what it gets wrong repaired through its own extension mechanism.

The defects of feedgen 1.0.0 that matter here: dates go through process-wide `setlocale`; RSS knows only one atom link;
entries have no room for captions, credits or a correction's time; a date that is not given becomes now.
"""

import email.utils
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from .parts import Frame, Item, Picture, legal

# feedgen formats dates by switching the whole process to the C locale and back, which other threads see.
feedgen.feed.formatRFC2822 = email.utils.format_datetime
feedgen.entry.formatRFC2822 = email.utils.format_datetime

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
MEDIA = "http://search.yahoo.com/mrss/"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
HISTORY = "http://purl.org/syndication/history/1.0"
TYPE = "application/rss+xml"
ATOM_TYPE = "application/atom+xml"


class _PressFeed(BaseExtension):  # type: ignore[misc]  # feedgen is untyped
    """Channel elements that feedgen has no call for."""

    def __init__(self) -> None:
        self.frame: Frame | None = None

    def extend_ns(self) -> dict[str, str]:
        spaces = {"dc": DC, "dcterms": DCTERMS, "media": MEDIA}
        return {**spaces, "fh": HISTORY} if self.frame and self.frame.archive else spaces

    def extend_rss(self, feed: "etree._Element") -> "etree._Element":
        if self.frame:  # after `self`: a reader blind to namespaces takes the first link it meets for the newsroom
            own = feed[0].find(f"{{{ATOM}}}link[@rel='self']")
            for rel, address in reversed(_relations(self.frame)):
                own.addnext(etree.Element(f"{{{ATOM}}}link", href=address, rel=rel))
            self._mark(feed[0])
        return feed

    def extend_atom(self, feed: "etree._Element") -> "etree._Element":
        self._mark(feed)
        return feed

    def _mark(self, feed: "etree._Element") -> None:
        if self.frame and self.frame.archive:
            etree.SubElement(feed, f"{{{HISTORY}}}archive")


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

    def extend_atom(self, entry: "etree._Element") -> "etree._Element":
        """Feedgen makes every link of an entry a bare `href`: each enclosure would be one more alternate."""
        item = self.item
        if item is None:
            return entry
        for link in entry.findall("link"):
            entry.remove(link)
        if item.url:
            etree.SubElement(entry, "link", rel="alternate", type="text/html", href=item.url)
        for picture in item.pictures:
            if picture.type and picture.size is not None:
                facts = {"rel": "enclosure", "href": picture.url, "type": picture.type, "length": str(picture.size)}
                etree.SubElement(entry, "link", facts)
            _picture(entry, picture)
        entry.set("{http://www.w3.org/XML/1998/namespace}lang", item.language)
        return entry


def _relations(frame: Frame) -> list[tuple[str, str]]:
    return [*([("hub", frame.hub)] if frame.hub else []), *frame.links]


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
    """One `<item>` as it stands in the RSS feed, byte for byte, made by feedgen."""
    root = etree.fromstring(_generator(_PLACEHOLDER, [item]).rss_str(), _parser())
    return _alone(root.find("channel/item"))


def entry_bytes(item: Item) -> bytes:
    """One `<entry>` as it stands in the Atom feed, byte for byte, made by feedgen, which takes none without a title."""
    titled = item if legal(item.title).strip() else replace(item, title="-")
    root = etree.fromstring(_generator(_PLACEHOLDER, [titled], atom=True).atom_str(), _parser())
    return _alone(root.find(f"{{{ATOM}}}entry"))


def _alone(element: "etree._Element") -> bytes:
    """Without the namespaces that the feed around it declares."""
    whole: bytes = etree.tostring(element, encoding="UTF-8", with_tail=False).split(b"?>\n", 1)[-1]
    head, _, rest = whole.partition(b">")
    return re.sub(rb'\sxmlns(?::\w+)?="[^"]*"', b"", head) + b">" + rest


def feed_bytes(frame: Frame, items: Iterable[bytes]) -> bytes:
    """The whole RSS feed from items that `item_bytes` made, the newest first."""
    empty: bytes = _generator(frame, []).rss_str(pretty=False)
    head, _, tail = empty.partition(b"</channel>")
    return head + b"\n" + b"".join(item + b"\n" for item in items) + b"</channel>" + tail + b"\n"


def atom_bytes(frame: Frame, entries: Iterable[bytes]) -> bytes:
    """The whole Atom feed (RFC 4287) from entries that `entry_bytes` made, the newest first."""
    empty: bytes = _generator(frame, [], atom=True).atom_str(pretty=False)
    head, _, tail = empty.rpartition(b"</feed>")
    return head + b"\n" + b"".join(entry + b"\n" for entry in entries) + b"</feed>" + tail + b"\n"


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


def _generator(frame: Frame, items: Sequence[Item], *, atom: bool = False) -> "feedgen.feed.FeedGenerator":
    made = feedgen.feed.FeedGenerator()
    made.register_extension("press", _PressFeed, _PressEntry, atom=True, rss=True)
    made.id(frame.address)
    made.title(legal(frame.title))
    made.description(legal(frame.description))
    made.language(frame.language)
    made.link(href=frame.address, rel="self", type=ATOM_TYPE if atom else TYPE)
    if atom:  # RSS would take one of these for its own link
        for rel, address in _relations(frame):
            made.link(href=address, rel=rel)
    made.link(href=frame.home, rel="alternate", type="text/html")  # last: RSS's <link> is the last one given
    made.press.frame = frame
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
    if item.url:
        entry.link(href=item.url, rel="alternate", type="text/html")
    # A description is HTML: escaped here, and again as XML.
    entry.summary(html.escape(legal(item.summary), quote=False), type="html")
    entry.content(legal(item.content), type="html")
    entry.author(name=legal(item.issuer))
    entry.published(item.published)
    entry.updated(_apart(item))
    entry.category([{"term": legal(term), "scheme": domain} for term, domain in item.categories])
    for lead in item.pictures[:1]:  # one enclosure at most, and none whose true length is not known
        if lead.type and lead.size is not None:
            entry.enclosure(lead.url, str(lead.size), lead.type)


def _apart(item: Item) -> datetime:
    """When it was last changed, within the second: no two entries of a feed should say the same (W3C feed validator,
    DuplicateUpdated), and two releases often have one embargo. Of the guid, so the same every time.
    """
    mark = int.from_bytes(hashlib.sha256(item.guid.encode()).digest()[:4])
    return (item.modified or item.published).replace(microsecond=mark % 999_999 + 1)
