"""JSON Feed 1.1 (jsonfeed.org/version/1.1)."""

import json
from collections.abc import Iterable
from typing import Any

from .parts import Frame, Item, legal

TYPE = "application/feed+json"


def item_text(item: Item) -> str:
    """One item as it stands in the feed."""
    shown = [picture for picture in item.pictures if picture.type and picture.size is not None]
    facts: dict[str, Any] = {
        "id": item.guid,
        **({"url": item.url} if item.url else {}),
        "title": legal(item.title),
        "content_html": legal(item.content),
        "summary": legal(item.summary),
        "date_published": item.published.isoformat(),
        "date_modified": (item.modified or item.published).isoformat(),
        "authors": [{"name": legal(item.issuer)}],
        "language": item.language,
    }
    if item.pictures:
        facts["image"] = item.pictures[0].url
    if item.categories:
        facts["tags"] = [legal(term) for term, _ in item.categories]
    if shown:
        facts["attachments"] = [
            {
                "url": one.url,
                "mime_type": one.type,
                "size_in_bytes": one.size,
                **({"title": legal(one.caption)} if one.caption else {}),
            }
            for one in shown
        ]
    return json.dumps(facts, ensure_ascii=False)


def feed_bytes(frame: Frame, items: Iterable[str]) -> bytes:
    """The whole feed from items that `item_text` made, the newest first; `next_url` leads into the archive."""
    facts: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": frame.title,
        "home_page_url": frame.home,
        "feed_url": frame.address,
        "description": frame.description,
        "language": frame.language,
    }
    if frame.logo:
        facts["icon"] = frame.logo
    if frame.hub:
        facts["hubs"] = [{"type": "WebSub", "url": frame.hub}]
    before = dict(frame.links).get("prev-archive")
    if before:
        facts["next_url"] = before
    head = legal(json.dumps(facts, ensure_ascii=False)).removesuffix("}")
    return (head + ', "items": [\n' + ",\n".join(items) + "\n]}\n").encode()
