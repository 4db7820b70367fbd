"""What became of a release: per channel when, to how many, where it can be seen and what did not arrive; as a page to print, and as
CSV with the same lines as `distributor report`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from distributor import agreed
from distributor.lifecycle import State
from distributor.report import lines, of, remarks
from distributor.store import Delivery, overview
from distributor.web import kit

_LINKS, _WRONG = 200, 1_000


async def report(request: Request) -> Response:
    """Every version, the newest first."""
    kit.need(request)
    acting, name = kit.desk(request), request.path_params["release_id"]

    def read() -> list[dict[str, Any]]:
        with acting.ledger() as ledger:
            known = sorted(ledger.releases(name), key=lambda one: -one.version)
            withdrawn = {one.version: overview.withdrawn(ledger, one) for one in known if one.killed_at}
            return [
                {
                    "release": one,
                    "remarks": agreed.remarks(one.snapshot),
                    "channels": overview.channels(ledger, one),
                    "withdrawn": (stood := withdrawn.get(one.version)),
                    "remains": acting.remains(stood.stays) if stood else {},
                    "links": overview.links(ledger, one, _LINKS),
                    "wrong": _grouped(_brief(request, overview.wrong(ledger, one, _WRONG))),
                }
                for one in known
            ]

    versions = await kit.work(read)
    if not versions:
        raise HTTPException(404)
    return kit.page(request, "report.html", release=versions[0]["release"], versions=versions, most=_WRONG)


def _brief(request: Request, rows: Iterable[Delivery]) -> Iterator[Delivery]:
    """Deliveries whose files are named as they lie in the site."""
    for row in rows:
        remote_id, remote_url, reason = (kit.brief(request, one) for one in (row.remote_id, row.remote_url, row.reason))
        yield replace(row, remote_id=remote_id, remote_url=remote_url, reason=reason)


def _grouped(rows: Iterable[Delivery]) -> list[tuple[str, State, str, list[str]]]:
    """Channel, state, reason, and whom it concerns."""
    found: dict[tuple[str, State, str], list[str]] = {}
    for row in rows:
        found.setdefault((row.channel, row.state, row.reason or ""), []).append(row.recipient)
    return [(*key, people) for key, people in found.items()]


async def table(request: Request) -> Response:
    """Every delivery of every version of a release."""
    kit.need(request)
    acting, name = kit.desk(request), request.path_params["release_id"]

    def there() -> bool:
        with acting.ledger() as ledger:
            return ledger.release(name) is not None

    def read() -> Iterator[str]:
        with acting.ledger() as ledger:
            known = ledger.releases(name)
            yield from lines(_brief(request, of(ledger, known)), remarks(known))

    if not await kit.work(there):
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(read(), media_type="text/csv; charset=utf-8", headers=headers)


routes = [Route("/report/{release_id}.csv", table), Route("/report/{release_id}", report)]
