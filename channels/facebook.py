"""Facebook: one post per language on a Page (developers.facebook.com/docs/pages-api/posts)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from distributor.contract import (
    AlreadyThere,
    Count,
    Idempotency,
    InDoubt,
    MediaFile,
    Message,
    Rate,
    Receipt,
    Recipient,
    Refused,
    Throttled,
    Unauthorized,
    Unavailable,
)
from distributor.fields import Url
from distributor.http import Answer, Http, Request, multipart
from distributor.posts import Connected, Known, OAuth, Post, Tokens, read_tokens, same_words
from distributor.text import count, entities, hashtags, remarks
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Mention, shown

_JSON = ("Content-Type", "application/json")
_LOGIN = "make a new Page token, then resume"
_BUSY = ("(code 4,", "(code 17,", "(code 32,", "(code 341,", "(code 613,", "subcode 1390008)", "(code 80001,")


@dataclass(frozen=True, kw_only=True)
class Facebook(Connected):
    """After a lost answer the Page's own posts are read (class C); a refusal as duplicate proves the first."""

    TYPE: ClassVar[str] = "facebook"
    NETWORK: ClassVar[str] = "Facebook"
    DESTINATION: ClassVar[Mapping[str, str]] = {"page": "Page", "api": "server"}
    CLASS: ClassVar[Idempotency] = Idempotency.C
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    TAGS: ClassVar[hashtags.Rule | None] = hashtags.FACEBOOK
    EFFECT: ClassVar[str] = "Facebook will make it live"
    CALLS: ClassVar[str] = "Facebook shows it as text"
    # Without a version: Facebook then takes the application's oldest that still lives (docs/graph-api/guides/versioning).
    OAUTH: ClassVar[OAuth] = OAuth(
        authorize="https://www.facebook.com/dialog/oauth",
        token="https://graph.facebook.com/oauth/access_token",  # noqa: S106  an address
        scopes=("pages_manage_posts", "pages_read_engagement", "pages_show_list"),
        secret_in_body=True,
    )
    KNOWN: ClassVar[tuple[Known, ...]] = (
        Known(says="(code 506,", outcome=AlreadyThere),
        Known(says="(code 190,", outcome=Unauthorized, advice=_LOGIN),
        Known(says="(code 200,", outcome=Unauthorized, advice="the token may not write on this Page"),
        Known(says="(code 368,", outcome=Unauthorized, advice="Facebook holds the Page back for now: look there"),
        Known(says="subcode 4854002)", outcome=Unauthorized, advice="Facebook wants the Page's identity confirmed"),
        *(Known(says=code, outcome=Throttled) for code in _BUSY),
        Known(says="subcode 1363047)", outcome=Unavailable),
        Known(says="subcode 1609010)", outcome=Unavailable),
        Known(says="subcode 1366046)", outcome=Refused, advice="the photo is over 4 MB or of another format"),
        Known(says="subcode 1609008)", outcome=Refused, advice="it may not link to facebook.com"),
    )

    page: str  #: the Page's number
    api: Url = "https://graph.facebook.com"

    @property
    def limit(self) -> Rate:
        """A few posts an hour are nothing to the Graph API; the burst is kept small."""
        return self.rate or Rate(30, timedelta(hours=1), 5)

    @property
    def account_name(self) -> str:
        """The Page."""
        return f"Page {self.page}"

    async def consented(self, tokens: Tokens, http: Http) -> Tokens:
        """The Page's own token, which does not end, made of a long-lived one of the person (docs/pages-api/getting-started)."""
        secret = self.client_secret.reveal() if self.client_secret else ""
        trade = {"grant_type": "fb_exchange_token", "client_id": self.client_id or "", "client_secret": secret}
        url = f"{self.oauth.token}?{urlencode({**trade, 'fb_exchange_token': tokens.access})}"
        request = Request(method="GET", url=url)
        person = await read_tokens(request, http, datetime.now(UTC), hide=(secret, tokens.access))
        url = f"{self.api.rstrip('/')}/me/accounts?fields=id,access_token&limit=100"
        answer = await http.send(Request(method="GET", url=url), bearer=person.access)
        for page in answer.json().get("data") or []:
            if isinstance(page, dict) and page.get("id") == self.page and isinstance(page.get("access_token"), str):
                return Tokens(access=page["access_token"])
        raise Unauthorized(f"who said yes does not manage the Page {self.page}")

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Characters."""
        return (Count(used=count.utf16(shown(segments)), limit=int(limits["max_characters"]), unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """Links and hashtags."""
        return entities.facebook(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """The Page's feed takes a link, or photos."""
        made: dict[str, Any] = {"message": _words(post), "published": True}
        if post.photos:
            return {**made, "attached_media": [{"media_fbid": photo.mark} for photo in post.photos]}
        return {**made, "link": post.url} if self.media == "card" and post.url else made

    def facts(self, post: Post) -> Mapping[str, str]:
        """The API version that the request is written for."""
        return {"version": str(post.limits["version"])}

    def linkless(self, message: Message) -> Iterable[remarks.Remark]:
        """The card leads to the release, too."""
        return () if message.meta.get("card_title") else super().linkless(message)

    def _url(self, message: Message, path: str) -> str:
        return f"{self.api.rstrip('/')}/{message.meta['version']}/{path}"

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /{page}/feed."""
        return Request(method="POST", url=self._url(message, f"{self.page}/feed"), headers=(_JSON,), body=content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """`{page}_{post}`."""
        name = answer.json().get("id")
        if not isinstance(name, str) or not name.replace("_", "").isdigit():
            raise InDoubt(f"Facebook answered {answer.status} without the post's id")
        return _receipt(name)

    async def upload(self, file: MediaFile, message: Message, credential: str) -> str:
        """POST /{page}/photos, unpublished."""
        fields = {"published": "false", "alt_text_custom": file.alt}
        url = self._url(message, f"{self.page}/photos")
        name = (await self.send(multipart(url, fields, {"source": file}), credential)).json().get("id")
        if not isinstance(name, str):
            raise Unavailable("Facebook answered without the photo's id")
        return name

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:  # noqa: ARG002
        """Whether the Page's newest posts hold this text. Raises DeliveryError."""
        begin = int((since - timedelta(minutes=1)).timestamp())
        url = self._url(message, f"{self.page}/feed?fields=id,message,created_time&limit=25&since={begin}")
        answer = await self.look(Request(method="GET", url=url), await self.credential())
        for post in answer.json().get("data") or []:
            if isinstance(post, dict) and same_words(message.text, post.get("message", "")):
                return _receipt(str(post["id"]))
        return None

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """DELETE /{post}."""
        return Request(method="DELETE", url=self._url(message, receipt.id))

    def leftover(self, name: str, message: Message, credential: str) -> Request:  # noqa: ARG002
        """DELETE /{photo}: an upload stays on the Page without its post."""
        return Request(method="DELETE", url=self._url(message, name))

    def is_gone(self, answer: Answer) -> bool:
        """100 with subcode 33: no such object."""
        return answer.status == 400 and "code 100, subcode 33" in self.sentence(answer)

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST /{post}: the message alone can change."""
        body = json.dumps({"message": json.loads(content)["message"]}, ensure_ascii=False).encode()
        return Request(method="POST", url=self._url(message, receipt.id), headers=(_JSON,), body=body)

    def wait(self, answer: Answer) -> float | None:
        """The minutes of its usage header (docs/graph-api/overview/rate-limiting), where it names some."""
        found = re.search(
            r'"estimated_time_to_regain_access":\s*(\d+)', answer.headers.get("x-business-use-case-usage", "")
        )
        return 60 * float(found[1]) if found and float(found[1]) else None

    def sentence(self, answer: Answer) -> str:
        """The error's message with its numbers, which say more (docs/graph-api/guides/error-handling)."""
        error = answer.json().get("error")
        if not isinstance(error, dict):
            return ""
        words = str(error.get("error_user_msg") or error.get("message") or "")
        return f"{words} (code {error.get('code')}, subcode {error.get('error_subcode')})"


def _words(post: Post) -> str:
    """The words, Pages that they mention by number (developers.facebook.com/docs/features-reference/page-mentioning)."""
    return "".join(f"@[{part.target}]" if isinstance(part, Mention) else part.shown for part in post.segments)


def _receipt(name: str) -> Receipt:
    return Receipt(id=name, url=f"https://www.facebook.com/{name}")


CHANNEL = Facebook
