"""WebSub: tells hubs that a feed changed, each address as a delivery of its own (W3C WebSub §6).

A hub that fails holds up nothing: the feed is public already, and the ping is tried again like any delivery.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, urlencode

from distributor.contract import (
    Capabilities,
    Channel,
    Destination,
    Finding,
    Idempotency,
    Kit,
    Message,
    Receipt,
    Recipient,
)
from distributor.fields import Url
from distributor.http import Http, Request, raise_for, read_local, write_local
from distributor.public import localized
from distributor.release import LanguageVersion, Release
from distributor.shelf import slug


@dataclass(frozen=True, kw_only=True)
class WebSub(Channel):
    """One hub, and the feeds that it is told about."""

    TYPE: ClassVar[str] = "websub"
    TELLS_WRITES: ClassVar[bool] = True
    DESTINATION: ClassVar[Mapping[str, str]] = {"hub": "hub"}
    ALL_LANGUAGES: ClassVar[bool] = True

    hub: Url | None = None  #: without it: a file under outbox/
    feeds: tuple[str, ...] = ("feed.xml", "feed.atom", "feed.json")  #: under public/: what the rss channel writes
    tag_feeds: bool = True  #: whether the rss channel writes a feed per tag

    private_network: bool = False  #: True: the hub may stand in this house

    _http: Http = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open nothing yet; raise ConfigError as every channel does."""
        super().__post_init__()
        object.__setattr__(self, "_http", Http(private=self.private_network))

    @property
    def capabilities(self) -> Capabilities:
        """Class A: a hub that is told twice reads the same feed twice. It comes at once, so the feed has to be there."""
        return Capabilities(idempotency=Idempotency.A, needs_page=True, follows_public=True, delete=True)

    @property
    def destination(self) -> Destination:
        """The hub."""
        local = str(self.places.outbox / self.name)
        return Destination(live=bool(self.hub), place=self.hub or local)

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """The hub, or the folder of the pings."""
        folder = self.places.within(self.places.outbox / self.name)
        return super().destination_facts if self.hub else {"folder": folder}

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One message per language version, one recipient per feed that it changes."""
        return [self._message(text, kit) for text in self.texts(release)]

    def _message(self, text: LanguageVersion, kit: Kit) -> Message:
        site, home = kit.newsroom.url.rstrip("/"), kit.newsroom.language
        paths = [localized(path, text.lang, home) for path in self.feeds]
        rss = [path for path in paths if path.endswith(".xml")]
        tags = dict.fromkeys(slug(tag) for tag in text.hashtags) if self.tag_feeds else ()
        for path in rss:
            folder, _, name = path.rpartition("/")
            paths += [f"{folder}/tag/{tag}/{name}".lstrip("/") for tag in tags]
        topics = [f"{site}/{quote(path)}" for path in paths]
        return Message(
            channel=self.name,
            type=self.TYPE,
            lang=text.lang,
            content="\n".join(topics).encode(),
            content_type="application/x-www-form-urlencoded",
            filename="topics.txt",
            title=text.headline,
            text="\n".join(topics),
            recipients=tuple(Recipient(address=topic) for topic in topics),
        )

    def compose(self, message: Message, recipient: Recipient) -> bytes:  # noqa: ARG002  the recipient is the whole message
        """The form of one ping. Hubs differ in which name they want, so both are there."""
        topic = recipient.address
        return urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}).encode()

    def check(self, message: Message) -> Iterable[Finding]:  # noqa: ARG002  addresses of our own making
        """Nothing that a hub would refuse."""
        return ()

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        """Ping the hub."""
        headers = (("Content-Type", message.content_type),)
        place = self.hub or "https://hub.invalid/"
        request = Request(method="POST", url=place, headers=headers, body=self.compose(message, recipient))
        if self.hub is None:
            return Receipt(id=str(write_local(self.places.outbox / self.name, key, request)))
        answer = await self._http.send(request)
        raise_for(answer, "the hub", answer.body[:200].decode("utf-8", "replace"))
        return Receipt(id=recipient.address, url=recipient.address, detail=f"answered {answer.status}")

    def read_back(self, receipt: Receipt) -> bytes | None:
        """The form in the local file; None for a hub."""
        return read_local(Path(receipt.id)) if self.hub is None else None

    async def close(self) -> None:
        """Give back the connection."""
        await self._http.close()


CHANNEL: type[Channel] = WebSub
