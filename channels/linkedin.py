"""LinkedIn: one post per language on an organization's page (learn.microsoft.com, Community Management, Posts API)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from distributor.contract import (
    AlreadyThere,
    Count,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Rate,
    Receipt,
    Unauthorized,
    Unavailable,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Answer, Request
from distributor.posts import Connected, Known, OAuth, Post
from distributor.text import count, entities, hashtags, remarks
from distributor.text.entities import Found
from distributor.text.escapes import little_text
from distributor.text.fit import Segments
from distributor.text.segments import Hashtag, Mention, Segment, shown

_JSON = ("Content-Type", "application/json")
_URN = re.compile(r"urn:li:(?:share|ugcPost):\d+")


def commentary(segments: Segments) -> str:
    """The text in LinkedIn's little-text format: reserved characters escaped, hashtags and mentions as templates."""
    return "".join(map(_little, segments))


def _little(part: Segment) -> str:
    if isinstance(part, Hashtag):
        return f"{{hashtag|\\#|{part.tag}}}"
    if isinstance(part, Mention):
        return f"@[{little_text(part.shown)}]({part.target})"
    return little_text(part.shown)


@dataclass(frozen=True, kw_only=True)
class LinkedIn(Connected):
    """LinkedIn refuses what it has already, and names it (class B)."""

    TYPE: ClassVar[str] = "linkedin"
    NETWORK: ClassVar[str] = "LinkedIn"
    DESTINATION: ClassVar[Mapping[str, str]] = {"organization": "organization", "api": "server"}
    CLASS: ClassVar[Idempotency] = Idempotency.B
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    NEEDS_PAGE: ClassVar[bool] = False
    OWN_CARD: ClassVar[bool] = True
    UPLOADS_CARD: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.LINKEDIN
    EFFECT: ClassVar[str] = "LinkedIn will make it live"
    CALLS: ClassVar[str] = "LinkedIn shows it as text"
    FINDS: ClassVar[bool] = False
    OAUTH: ClassVar[OAuth] = OAuth(
        authorize="https://www.linkedin.com/oauth/v2/authorization",
        token="https://www.linkedin.com/oauth/v2/accessToken",  # noqa: S106  an address
        scopes=("w_organization_social", "r_organization_social"),
        pkce=False,
        secret_in_body=True,
    )
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(says="duplicate", outcome=AlreadyThere, status=422),
        Known(
            says="nonexistent_version",
            outcome=Unauthorized,
            status=426,
            advice="LinkedIn took this API version away: set a newer [linkedin] version in config/networks.toml and "
            "schedule again",
        ),
        Known(
            says="", outcome=Unauthorized, status=426, advice="set a newer [linkedin] version in config/networks.toml"
        ),
    )

    organization: str  #: the number in the page's address, or urn:li:organization:…
    api: Url = "https://api.linkedin.com"

    def __post_init__(self) -> None:
        """Raises ConfigError for an organization that is no number."""
        super().__post_init__()
        if not self.organization.removeprefix("urn:li:organization:").isdigit():
            raise ConfigError(f"[channels.{self.name}] organization: '{self.organization}' is no organization's number")

    @property
    def _author(self) -> str:
        return f"urn:li:organization:{self.organization.removeprefix('urn:li:organization:')}"

    @property
    def limit(self) -> Rate:
        """150 posts a day for one account (Ayrshare's figure; LinkedIn shows an application its own)."""
        return self.rate or Rate(150, timedelta(days=1), 10)

    @property
    def account_name(self) -> str:
        """The organization."""
        return f"organization {self.organization.rpartition(':')[2]}"

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """As read and as escaped: it is not documented which of the two counts."""
        most = int(limits["max_characters"])
        return (
            Count(used=count.utf16(shown(segments)), limit=most, unit="characters"),
            Count(used=count.utf16(commentary(segments)), limit=most, unit="characters as escaped"),
        )

    def found(self, text: str) -> list[Found]:
        """What the page makes live."""
        return entities.links(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """The request of the Posts API."""
        spread = {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []}
        made: dict[str, Any] = {
            "author": self._author,
            "commentary": commentary(post.segments),
            "visibility": "PUBLIC",
            "distribution": spread,
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
        images = [{"id": photo.mark, "altText": photo.alt} for photo in post.photos]
        if len(images) == 1:
            made["content"] = {"media": images[0]}
        elif images:
            made["content"] = {"multiImage": {"images": images}}
        elif self.media == "card" and post.url:
            card = {"source": post.card.url, "title": post.card.title, "description": post.card.description}
            if post.card.image:
                card["thumbnail"] = post.card.mark
            made["content"] = {"article": card}
        return made

    def facts(self, post: Post) -> Mapping[str, str]:
        """The API version that the request is written for."""
        return {"version": str(post.limits["version"])}

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:
        """The card leads to the release, too."""
        return () if message.meta.get("card_title") else super().linkless(message)

    def _call(self, method: str, path: str, version: str, body: bytes = b"", **more: str) -> Request:
        named = tuple((name.replace("_", "-"), value) for name, value in more.items())
        headers = (("LinkedIn-Version", version), ("X-Restli-Protocol-Version", "2.0.0"), *named)
        url = f"{self.api.rstrip('/')}/rest/{path}"
        return Request(method=method, url=url, headers=(*headers, *((_JSON,) if body else ())), body=body)

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /rest/posts."""
        return self._call("POST", "posts", message.meta["version"], content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """The post's URN, from the header."""
        found = _URN.fullmatch(answer.headers.get("x-restli-id", ""))
        if not found:
            raise InDoubt(f"LinkedIn answered {answer.status} without the post's URN")
        return _receipt(found[0])

    def already(self, sentence: str) -> Receipt | None:
        """`Content is a duplicate of urn:li:share:…`."""
        found = _URN.search(sentence)
        return _receipt(found[0]) if found else None

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:
        """initializeUpload, PUT, then wait until it is AVAILABLE (Images API)."""
        version = message.meta["version"]
        wish = json.dumps({"initializeUploadRequest": {"owner": self._author}}).encode()
        answer = await self.send(self._call("POST", "images?action=initializeUpload", version, wish), credential)
        value = answer.json().get("value")
        if not isinstance(value, dict) or not isinstance(value.get("image"), str):
            raise Unavailable(f"LinkedIn answered {answer.status} without an upload address")
        kind = (("Content-Type", file.content_type),)
        await self.send(
            Request(method="PUT", url=str(value.get("uploadUrl")), headers=kind, body=file.data), credential
        )
        for _ in range(30):
            state = await self.send(self._call("GET", f"images/{quote(value['image'], safe='')}", version), credential)
            if state.json().get("status") == "AVAILABLE":
                return str(value["image"])
            if state.json().get("status") == "PROCESSING_FAILED":
                break
            await self.pause(1.0)
        raise Unavailable(f"LinkedIn did not process {file.name}")

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DELETE /rest/posts/{urn}: "deletions are idempotent"."""
        return self._call("DELETE", f"posts/{quote(receipt.id, safe='')}", message.meta["version"])

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """A partial update of the commentary; the card stays as it is."""
        patch = {"patch": {"$set": {"commentary": json.loads(content)["commentary"]}}}
        path, version = f"posts/{quote(receipt.id, safe='')}", message.meta["version"]
        body = json.dumps(patch, ensure_ascii=False).encode()
        return self._call("POST", path, version, body, X_RestLi_Method="PARTIAL_UPDATE")

    def sentence(self, answer: Answer) -> str:
        """`{status, code, message}`."""
        value = answer.json()
        return " ".join(str(value[name]) for name in ("code", "message") if value.get(name))


def _receipt(urn: str) -> Receipt:
    return Receipt(id=urn, url=f"https://www.linkedin.com/feed/update/{urn}/")


CHANNEL = LinkedIn
