"""Reading the account's own statuses: whether an attempt with a lost answer was written."""

import html
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import regex

from distributor.contract import Unsupported
from distributor.http import Answer, Request

#: Asks as the account; raises DeliveryError for everything but a success.
Ask = Callable[[Request], Awaitable[Answer]]

_PAGES, _SOURCES = 5, 10
_EARLY = timedelta(minutes=2)  #: by how much the server's clock may be behind ours
_HOST = regex.compile(r"(?<=@[\w.-]+)@[\w.-]+")


async def written(ask: Ask, instance: str, text: str, since: datetime) -> dict[str, Any] | None:
    """Return the account's status with this text that was made since then; None when there is certainly none.

    Raises DeliveryError: Unsupported where the statuses do not reach back to `since`.
    """
    me = (await ask(Request(method="GET", url=f"{instance}/api/v1/accounts/verify_credentials"))).json().get("id")
    if not isinstance(me, str) or not me.isalnum():
        raise Unsupported("the instance does not say whose account it is")
    base = f"{instance}/api/v1/accounts/{me}/statuses?limit=40&exclude_reblogs=true"
    url, begin, others = base, since - _EARLY, list[str]()
    for _ in range(_PAGES):
        found = _statuses(await ask(Request(method="GET", url=url)))
        page = [status for status in found if status["id"] not in others]
        for status in page:
            if _made(status) < begin:
                return await _by_source(ask, instance, text, others)
            if _same(text, _plain(status)):
                return status
            others.append(str(status["id"]))
        if not page:
            return await _by_source(ask, instance, text, others)
        url = f"{base}&max_id={page[-1]['id']}"
    raise Unsupported("the account's statuses do not reach back to the attempt")


async def _by_source(ask: Ask, instance: str, text: str, names: list[str]) -> dict[str, Any] | None:
    """Compare with what was typed, where the server draws it otherwise (GET /api/v1/statuses/:id/source)."""
    for name in names[:_SOURCES]:
        source = await ask(Request(method="GET", url=f"{instance}/api/v1/statuses/{name}/source"))
        if _same(text, str(source.json().get("text") or "")):
            return (await ask(Request(method="GET", url=f"{instance}/api/v1/statuses/{name}"))).json()
    return None


def _statuses(answer: Answer) -> Iterator[dict[str, Any]]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Unsupported("the instance does not show the account's statuses")
    for one in found:
        if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"].isalnum():
            yield one


def _made(status: dict[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(status.get("created_at")))
    except ValueError:
        raise Unsupported("the instance says no time of its statuses") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _plain(status: dict[str, Any]) -> str:
    """A status's HTML as its reader sees it; a link's hidden parts are parts of its address."""
    words = regex.sub(r"<br\s*/?>|</p>", "\n", str(status.get("content") or ""))
    return html.unescape(regex.sub(r"<[^>]*>", "", words))


def _same(one: str, other: str) -> bool:
    """Whether two texts say the same; servers change spaces, and show `@user@host` as `@user`."""
    return bool(other) and _HOST.sub("", one).split() == _HOST.sub("", other).split()
