"""Previews that are kept for a moment: pages, frames and photos of one preview come as requests of their own."""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from distributor import seal, sheet
from distributor.contract import MediaFile, Message
from distributor.desk import Desk
from distributor.errors import StoreError
from distributor.preview import Preview, Rendered
from distributor.reading import Unsaved
from distributor.store import Release
from distributor.web import kit
from distributor.web.drafts import Drafts

_KEPT = 24  #: previews; one of the sample holds about 3 MB
_EACH = 6  #: of one release
_FRESH = 20.0  #: seconds: how long what channels, press lists and the clock contribute may be old
NOWHERE = Path("release")  #: the name of a text that is read from no file
_DROPPED = re.compile(r"<(head|style|script|title)\b.*?</\1\s*>|<!--.*?-->|<[^>]+>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One preview and what its page needs of it."""

    name: str
    token: str  #: by which frames and photos find it
    preview: Preview
    made: float  #: seconds of the desk's monotonic clock
    photos: list[MediaFile] = field(repr=False)
    pictures: dict[str, MediaFile] = field(repr=False)  #: by SHA-256: what the page shows beside frames
    cards: list[dict[str, Any]] = field(repr=False)

    def rendered(self, channel: str, lang: str) -> Rendered | None:
        """One message."""
        found = (one for one in self.preview.rendered if (one.message.channel, one.message.lang) == (channel, lang))
        return next(found, None)


@dataclass(slots=True)
class Looks:
    """The last previews, the newest last."""

    found: "OrderedDict[str, Look]" = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, token: str, name: str) -> Look | None:
        """A kept preview of this release."""
        with self.lock:
            look = self.found.get(token)
            if look and look.name == name:
                self.found.move_to_end(token)
                return look
        return None

    def keep(self, look: Look) -> None:
        """Keep one, and let go of the one that nobody has asked for longest."""
        with self.lock:
            self.found[look.token] = look
            self.found.move_to_end(look.token)
            own = [token for token, one in self.found.items() if one.name == look.name]
            for token in own[:-_EACH]:  # whoever types makes one at every pause
                del self.found[token]
            while len(self.found) > _KEPT:
                self.found.popitem(last=False)


def drafts(desk: Desk) -> Drafts:
    """The site's release files."""
    return Drafts(desk.site.need_root(), desk.places.state)


def kept(request: Request) -> Looks:
    """The previews of this running desk."""
    looks: Looks = kit.house(request).kept.setdefault("looks", Looks())
    return looks


def look(request: Request, name: str, at: datetime | None = None, unsaved: Unsaved | None = None) -> Look:
    """The release as it is now, or with what is `unsaved`, on every channel. Raises DistributorError as `Desk.preview`.

    The same content with the same config and instant is rendered once in 20 seconds. Of what is not saved there is a sample of the
    copies: nobody approves or schedules it.
    """
    desk, looks = kit.desk(request), kept(request)
    path = drafts(desk).path(name)
    file = desk.read(path, unsaved)
    config = desk.site.config_file.read_bytes()
    facts = [
        name.encode(),
        file.digest.encode(),
        hashlib.sha256(config).digest(),
        str(at).encode(),
        b"sample" if unsaved is not None else b"",
    ]
    token = hashlib.sha256(b"\0".join(facts)).hexdigest()[:32]
    now = desk.clock.monotonic()
    known = looks.get(token, name)
    if known and 0 <= now - known.made < _FRESH:
        return known
    preview = desk.preview_of(file, at, sample=unsaved is not None)
    photos = sheet.photos_of(preview)
    pictures: dict[str, MediaFile] = {}

    def picture(media: MediaFile) -> str:
        pictures[media.sha256] = media
        return f"/r/{quote(name)}/preview/picture/{media.sha256}?of={token}"

    cards = []
    for one in preview.rendered:
        made = sheet.card(one, desk.site.root, photos, picture)
        if one.message.html:
            made["frame_url"] = f"/r/{quote(name)}/preview/frame/{one.message.channel}/{one.message.lang}?of={token}"
        cards.append({**made, "key": f"{one.message.channel}/{one.message.lang}", "opening": opening(one.message)})
    made_look = Look(name=name, token=token, preview=preview, made=now, photos=photos, pictures=pictures, cards=cards)
    looks.keep(made_look)
    return made_look


def top(name: str | None) -> str:
    """`media` of `media[0].alt`."""
    return re.split(r"[.\[]", name or "")[0]


def opening(message: Message) -> str:
    """What a mail program shows beside the subject: the first words of the HTML, hidden ones too."""
    words = _DROPPED.sub(" ", message.html[:20_000]) if message.html else message.text
    return " ".join(unescape(words).replace("\u034f", "").replace("\u200c", "").split())[:110]


def last_sealed(request: Request, release_id: str) -> tuple[Release, Mapping[tuple[str, str], Message]] | None:
    """The newest sealed version and its messages by channel and language; None where nothing was sealed."""
    desk = kit.desk(request)
    memory: dict[str, tuple[str, Mapping[tuple[str, str], Message]]] = kit.house(request).kept.setdefault("sealed", {})
    try:
        with desk.ledger() as ledger:
            row = ledger.release(release_id)
            if row is None:
                return None
            known = memory.get(release_id)
            if known and known[0] == row.seal:
                return row, known[1]
            bodies = ledger.messages(ledger.message_ids(row.id, row.version))
    except StoreError:
        return None
    messages = [seal.load(body, artefacts) for body, artefacts in bodies.values()]
    found = {(message.channel, message.lang): message for message in messages}
    if len(memory) > _KEPT:
        memory.clear()
    memory[release_id] = (row.seal, found)
    return row, found
