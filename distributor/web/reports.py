"""Who got what and when, as CSV: the same lines as `distributor report`."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.report import lines
from distributor.web import kit


async def report(request: Request) -> Response:
    """Every delivery of every version of a release."""
    kit.need(request)
    acting, name = kit.desk(request), request.path_params["release_id"]

    def read() -> str:
        with acting.ledger() as ledger:
            known = ledger.releases(name)
            return lines(row for one in known for row in ledger.deliveries(one.id, one.version)) if known else ""

    text = await kit.work(read)
    if not text:
        raise HTTPException(404)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


routes = [Route("/report/{release_id}.csv", report)]
