"""What a page shows once: secrets that were made by a form and are shown by the page after it, so that loading that page again makes
nothing and shows nothing.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from starlette.requests import Request

from distributor.web import kit, people

_MOST = 100  #: pages that nobody has fetched yet
_lock = Lock()

Values = Mapping[str, Any]


def put(request: Request, page: str, values: Values) -> None:
    """Keep `values` for the next look of this session at `page`; in memory alone."""
    with _lock:
        found = _kept(request)
        found.pop(_key(request, page), None)
        found[_key(request, page)] = values
        while len(found) > _MOST:
            found.pop(next(iter(found)))


def take(request: Request, page: str) -> Values:
    """What was kept for this look; nothing at any later one."""
    with _lock:
        return _kept(request).pop(_key(request, page), {})


def _kept(request: Request) -> dict[tuple[str, str], Values]:
    found: dict[tuple[str, str], Values] = kit.house(request).kept.setdefault("once", {})
    return found


def _key(request: Request, page: str) -> tuple[str, str]:
    return people.digest(request.state.session), page
