"""The post as a record of the network: app.bsky.feed.post with its facets, and the key it is written under."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from distributor import images
from distributor.contract import MediaFile
from distributor.posts import Post
from distributor.text.fit import Segments
from distributor.text.segments import byte_range, shown, spans

COLLECTION = "app.bsky.feed.post"
_RICHTEXT = "app.bsky.richtext.facet"
_BASE32 = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: As many low microsecond bits of a key come from a hash: about a second, which the order of posts does not miss.
_HASH_BITS = 20


def key(instant: datetime, identity: str) -> str:
    """A record key: a TID (atproto.com/specs/tid), 53 bits of microseconds and 10 of clock id in sortable base32.

    The low microseconds and the clock id come from a hash of `identity`, so that two posts of one instant differ and
    the same post has the same key on every attempt.
    """
    digest = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4])
    stamp = (instant - _EPOCH) // timedelta(microseconds=1)
    stamp = stamp >> _HASH_BITS << _HASH_BITS | (digest >> 10) % (1 << _HASH_BITS)
    number = stamp << 10 | digest % 1024
    return "".join(_BASE32[number >> 5 * place & 31] for place in range(12, -1, -1))


def record(post: Post, *, hidden: Sequence[str], card: bool) -> dict[str, Any]:
    """The record: text, facets, language, the link's card or the photos, and the hashtags that only search sees (`hidden`)."""
    created = post.instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made: dict[str, Any] = {
        "$type": COLLECTION,
        "text": post.words,
        "createdAt": created,
        "langs": [post.text.lang],
        "facets": list(_facets(post.segments)),
    }
    if post.photos:
        made["embed"] = {"$type": "app.bsky.embed.images", "images": [_image(photo.file) for photo in post.photos]}
    elif card and post.url:
        external: dict[str, Any] = {
            "uri": post.card.url,
            "title": post.card.title,
            "description": post.card.description,
        }
        if post.card.image:
            external["thumb"] = blob(post.card.image)
        made["embed"] = {"$type": "app.bsky.embed.external", "external": external}
    return {**made, "tags": list(hidden)} if hidden else made


def blob(file: MediaFile) -> dict[str, Any]:
    """The reference to a file's bytes: a CID is a hash of them (atproto.com/specs/data-model#blob-type; version 1, raw,
    SHA-256).
    """
    cid = b"\x01\x55\x12\x20" + hashlib.sha256(file.data).digest()
    name = "b" + base64.b32encode(cid).decode().lower().rstrip("=")
    return {"$type": "blob", "ref": {"$link": name}, "mimeType": file.content_type, "size": len(file.data)}


def _image(file: MediaFile) -> dict[str, Any]:
    made = {"alt": file.alt, "image": blob(file)}
    if size := images.size(file):
        made["aspectRatio"] = {"width": size[0], "height": size[1]}
    return made


def _facets(segments: Segments) -> Iterator[dict[str, Any]]:
    """The live parts by UTF-8 byte (app.bsky.richtext.facet); the server adds none of its own."""
    text = shown(segments)
    for span in spans(segments):
        start, end = byte_range(text, span)
        feature = {"$type": f"{_RICHTEXT}#link", "uri": span.target}
        if span.kind == "hashtag":
            feature = {"$type": f"{_RICHTEXT}#tag", "tag": span.target}
        elif span.kind == "mention":
            feature = {"$type": f"{_RICHTEXT}#mention", "did": span.target}
        yield {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}
