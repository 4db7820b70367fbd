"""Slack: one message per language, by an incoming webhook or as a bot (docs.slack.dev, Incoming webhooks; chat.postMessage)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from distributor.contract import (
    Capabilities,
    Count,
    InDoubt,
    Message,
    Rate,
    Receipt,
    Refused,
    Throttled,
    Unauthorized,
)
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import Answer, Request
from distributor.posts import Known, Post, Social
from distributor.settings import Secret
from distributor.text import count, entities, escapes
from distributor.text.entities import Found
from distributor.text.fit import Segments
from distributor.text.segments import Break, Link, Mention, shown

_JSON = ("Content-Type", "application/json; charset=utf-8")
_CREDENTIAL = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope")
_OURS = ("not_in_channel", "channel_not_found", "is_archived", "restricted_action", "action_prohibited", "no_service")


@dataclass(frozen=True, kw_only=True)
class Slack(Social):
    """A webhook answers `ok` and no more: nothing can be looked up, edited or deleted (class D). With a bot token it can be
    edited and deleted.
    """

    TYPE: ClassVar[str] = "slack"
    NETWORK: ClassVar[str] = "Slack"
    DESTINATION: ClassVar[Mapping[str, str]] = {"channel": "channel", "api": "server"}
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("webhook", "token")
    EDIT: ClassVar[bool] = True
    DELETE: ClassVar[bool] = True
    BY_ADDRESS: ClassVar[bool] = True
    EFFECT: ClassVar[str] = "Slack shows it as text"
    FINDS: ClassVar[bool] = False
    KNOWN: ClassVar[tuple[Known, ...]] = tuple(
        Known(says=word, outcome=Unauthorized, advice="make a new token or webhook, then resume")
        for word in _CREDENTIAL
    ) + tuple(
        Known(says=word, outcome=Unauthorized, advice="look at the channel in Slack, then resume") for word in _OURS
    )

    webhook: Secret | None = None  #: the incoming webhook's address, which is a secret
    token: Secret | None = None  #: or a bot token with the scope chat:write
    channel: str | None = None  #: with a token: the channel's id
    api: Url = "https://slack.com/api"

    def __post_init__(self) -> None:
        """Raises ConfigError for a token without a channel."""
        super().__post_init__()
        if self.token and not self.channel:
            raise ConfigError(f"[channels.{self.name}] channel: with a token, name the channel's id (C0123456789)")

    @property
    def secret_name(self) -> str:
        """The token where there is one."""
        return "token" if self.token else "webhook"

    @property
    def able(self) -> Capabilities:
        """A webhook tells nothing of what it wrote."""
        base = super().able
        return base if self.token else replace(base, edit=False, delete=False, returns_id=False)

    @property
    def remains(self) -> str:
        """A webhook cannot delete; without a credential nothing was sent."""
        return "delete the message in Slack by hand: a webhook cannot" if self.webhook else super().remains

    @property
    def limit(self) -> Rate:
        """One message a second in a channel (docs.slack.dev/apis/web-api/rate-limits)."""
        return self.rate or Rate(60, timedelta(minutes=1), 1)

    @property
    def live_place(self) -> str:
        """The channel, or the webhook's service."""
        return f"Slack {self.channel}" if self.token else "Slack, by a webhook"

    @property
    def account_name(self) -> str:
        """The channel."""
        return self.channel or "incoming webhook"

    def counts(self, segments: Segments, limits: Mapping[str, Any], *, photos: bool) -> tuple[Count, ...]:  # noqa: ARG002
        """Characters of the one block."""
        return (Count(used=count.utf16(shown(segments)), limit=int(limits["max_characters"]), unit="characters"),)

    def found(self, text: str) -> list[Found]:
        """What looks like a mention or a channel: nothing of it acts in a rich-text block."""
        return entities.chat(text)

    def body(self, post: Post) -> Mapping[str, Any]:
        """A rich-text block, in which no character is markup, and the same words for notifications."""
        parts = [_element(part) for part in post.segments]
        blocks: list[dict[str, Any]] = [
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}
        ]
        blocks += [{"type": "image", "image_url": one.url, "alt_text": one.alt or one.file.name} for one in post.photos]
        channel = {"channel": self.channel} if self.token else {}
        draws = {"unfurl_links": self.media == "card", "unfurl_media": False}
        return {**channel, "text": _notice(post.segments), "blocks": blocks, **draws}

    def request(self, content: bytes, message: Message, key: str, credential: str) -> Request:  # noqa: ARG002
        """POST to the webhook, or chat.postMessage."""
        url = f"{self.api.rstrip('/')}/chat.postMessage" if self.token else credential
        return Request(method="POST", url=url, headers=(_JSON,), body=content)

    def receipt(self, answer: Answer, message: Message) -> Receipt:  # noqa: ARG002
        """A bot's message has a time stamp for a name; a webhook says `ok`."""
        if not self.token:
            if answer.body.strip() != b"ok":
                raise InDoubt(f"Slack answered {answer.status} without 'ok'")
            return Receipt(id="", detail="ok")
        stamp = answer.json().get("ts")
        if not isinstance(stamp, str):
            raise InDoubt(f"Slack answered {answer.status} without the message's ts")
        return Receipt(id=stamp)

    def _judge(self, answer: Answer, credential: str) -> None:
        """The web API refuses with status 200 and `ok: false`."""
        super()._judge(answer, credential)
        value = answer.json()
        if not self.token or value.get("ok") is True:
            return
        error = value.get("error")
        if not isinstance(error, str):
            raise InDoubt(f"Slack answered {answer.status} without saying whether it took the message")
        for known in self.KNOWN:
            if known.says in error:
                raise known.outcome(f"Slack answered {error}; {known.advice}")
        if error in ("ratelimited", "rate_limited"):
            raise Throttled(f"Slack answered {error}")
        if error in ("internal_error", "fatal_error", "service_unavailable", "request_timeout"):
            raise InDoubt(f"Slack answered {error}")
        raise Refused(f"Slack answered {error}")

    def is_gone(self, answer: Answer) -> bool:
        """`message_not_found`."""
        return answer.json().get("error") == "message_not_found"

    def sentence(self, answer: Answer) -> str:
        """A webhook refuses with a word of plain text."""
        return super().sentence(answer) or answer.body[:200].decode("utf-8", "replace")

    def removal(self, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """chat.delete."""
        body = json.dumps({"channel": self.channel, "ts": receipt.id}).encode()
        return Request(method="POST", url=f"{self.api.rstrip('/')}/chat.delete", headers=(_JSON,), body=body)

    def revision(self, content: bytes, message: Message, receipt: Receipt, key: str, credential: str) -> Request:  # noqa: ARG002
        """chat.update."""
        made = {name: value for name, value in json.loads(content).items() if not name.startswith("unfurl")}
        body = json.dumps({**made, "ts": receipt.id}, ensure_ascii=False).encode()
        return Request(method="POST", url=f"{self.api.rstrip('/')}/chat.update", headers=(_JSON,), body=body)


def _notice(segments: Segments) -> str:
    """The words for notifications (docs.slack.dev, Formatting message text: mentions)."""
    return "".join(
        f"<!subteam^{part.target}>"
        if isinstance(part, Mention) and part.target.startswith("S")
        else f"<@{part.target}>"
        if isinstance(part, Mention)
        else escapes.slack(part.shown)
        for part in segments
    )


def _element(part: object) -> dict[str, str]:
    if isinstance(part, Link):
        return {"type": "link", "url": part.url, "text": part.shown}
    if isinstance(part, Mention):
        group = part.target.startswith("S")
        kind = "usergroup" if group else "user"
        return {"type": kind, f"{kind}_id": part.target}
    return {"type": "text", "text": "\n" if isinstance(part, Break) else getattr(part, "shown", "")}


CHANNEL = Slack
