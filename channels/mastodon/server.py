"""Which software answers as an instance: many speak Mastodon's API, few keep its Idempotency-Key."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from distributor.contract import Unavailable
from distributor.files import write_atomic
from distributor.http import Answer, Request

#: Software whose source remembers Idempotency-Key for an hour (mastodon/mastodon, app/services/post_status_service.rb,
#: and a fork that keeps that file). GoToSocial ignores it (its api/swagger.yaml names no such header).
_KEEPS_KEYS = frozenset({"mastodon", "hometown"})
_SOURCE = re.compile(r"https://github\.com/mastodon/mastodon/?")
_FRESH = timedelta(days=1)

#: Asks without writing; raises DeliveryError for a lost answer.
Ask = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What an instance said that it is."""

    instance: str
    software: str  #: in small letters, as nodeinfo has it; empty: it did not say
    version: str
    asked_at: str  #: ISO 8601, UTC

    @property
    def keeps_keys(self) -> bool:
        """Whether a repeat with the same Idempotency-Key is the same status."""
        return self.software in _KEEPS_KEYS

    def is_fresh(self, now: datetime) -> bool:
        """Whether it was asked within a day: an instance may move to other software."""
        return abs(now - datetime.fromisoformat(self.asked_at)) < _FRESH


def recall(path: Path, instance: str) -> Server | None:
    """Return what was written down about the instance; None where nothing was, or it cannot be read."""
    try:
        found = Server(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.instance == instance else None


def remember(path: Path, server: Server) -> None:
    """Write it down. Raises OSError."""
    write_atomic(path, json.dumps(asdict(server)).encode())


async def ask(send: Ask, instance: str) -> Server:
    """Ask the instance what it is: nodeinfo names the software, /api/v2/instance the version and the source.

    Raises DeliveryError where it does not answer.
    """
    about = (await send(Request(method="GET", url=f"{instance}/api/v2/instance"))).json()
    version = str(about.get("version") or "")
    software = await _nodeinfo(send, instance)
    if not software and (found := re.search(r"compatible; *([A-Za-z]+)", version)):
        software = found[1].lower()  # as in "2.7.2 (compatible; Pleroma 2.6.0)"
    if not software and _SOURCE.match(str(about.get("source_url") or "")):
        software = "mastodon"
    return Server(instance=instance, software=software, version=version, asked_at=datetime.now(UTC).isoformat())


async def _nodeinfo(send: Ask, instance: str) -> str:
    """Return the name of the software (nodeinfo.diaspora.software/protocol); empty where it is not said."""
    links = (await send(Request(method="GET", url=_well_known(instance)))).json().get("links")
    for link in links if isinstance(links, list) else []:
        url = str(link.get("href") or "") if isinstance(link, dict) else ""
        if "nodeinfo" in url and urlsplit(url)[:2] == urlsplit(instance)[:2]:
            software = (await send(Request(method="GET", url=url))).json().get("software")
            if isinstance(software, dict) and isinstance(software.get("name"), str):
                return str(software["name"]).lower()
    return ""


def _well_known(instance: str) -> str:
    scheme, host = urlsplit(instance)[:2]
    return f"{scheme}://{host}/.well-known/nodeinfo"


def unavailable(instance: str, answer: Answer) -> None:
    """Raise Unavailable for an answer that says nothing about the software, only that it cannot answer now."""
    if answer.status == 429 or answer.status >= 500:
        raise Unavailable(f"{instance} answered {answer.status} when asked what it is")
