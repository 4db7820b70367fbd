"""Reading a room: the edits of an event, and what an attempt with a lost answer wrote."""

import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from distributor.contract import Unsupported
from distributor.http import Answer, Request

#: Asks the server; raises DeliveryError for a lost answer, a refused credential or a request to wait.
Ask = Callable[[Request], Awaitable[Answer]]

_PAGES = 10
_EARLY = timedelta(minutes=1)  #: by how much the server's clock may be behind ours


async def edits(ask: Ask, rooms: str, event: str) -> list[str]:
    """Return the ids of all events that replace `event`, as far as the server can be asked for them
    (GET …/relations/{event}/m.replace: spec.matrix.org, client-server API, "Relationships API").
    """
    found: list[str] = []
    base = f"{rooms.replace('/v3/', '/v1/')}/relations/{quote(event, safe='')}/m.replace?limit=100"
    url = base
    for _ in range(_PAGES):
        answer = await ask(Request(method="GET", url=url))
        value = answer.json() if answer.status == 200 else {}
        found += [one["event_id"] for one in _events(value) if isinstance(one.get("event_id"), str)]
        if not isinstance(value.get("next_batch"), str):
            break
        url = f"{base}&from={quote(value['next_batch'], safe='')}"
    return found


async def written(ask: Ask, rooms: str, key: str, content: bytes, since: datetime) -> str | None:
    """Return the id of the event that the transaction `key` wrote since then, or None when there is none. An event of
    another login shows no transaction; it is known by its words (GET …/messages).

    Raises Unsupported where the server does not show the room back to `since`.
    """
    body, begin = json.loads(content).get("body"), since - _EARLY
    base = f"{rooms}/messages?dir=b&limit=100"
    url = base
    for _ in range(_PAGES):
        answer = await ask(Request(method="GET", url=url))
        if answer.status != 200:
            break
        for one in _events(answer.json()):
            at = datetime.fromtimestamp(int(one.get("origin_server_ts", 0)) / 1000, UTC)
            transaction = (one.get("unsigned") or {}).get("transaction_id")
            same = transaction == key or (
                transaction is None and body and (one.get("content") or {}).get("body") == body and at >= begin
            )
            if same and isinstance(one.get("event_id"), str):
                return str(one["event_id"])
            if at < begin:
                return None
        end = answer.json().get("end")
        if not isinstance(end, str):
            return None  # the beginning of the room
        url = f"{base}&from={quote(end, safe='')}"
    raise Unsupported("the room cannot be read back to the attempt")


def _events(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (one for one in value.get("chunk") or [] if isinstance(one, dict))
