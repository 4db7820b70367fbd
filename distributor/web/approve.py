"""Approving: of exactly the bytes that the page showed, by somebody whose role allows it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import approving
from distributor.errors import ActionError
from distributor.store import approvals
from distributor.web import kit, looks
from distributor.web.kit import Role


async def approve(request: Request) -> Response:
    """Who approved these bytes, and whether that still holds; approve them, or take it back."""
    who = kit.need(request, Role.author if request.method == "GET" else Role.approver)
    name, acting = request.path_params["name"], kit.desk(request)
    data = await kit.form(request) if request.method == "POST" else None
    if not looks.drafts(acting).exists(name):
        raise HTTPException(404)
    made = (await kit.work(lambda: looks.look(request, name))).preview
    if data is not None:
        now = kit.house(request).clock.now()

        def write() -> None:
            with acting.ledger() as ledger:
                if data.get("revoke") == "1":
                    approvals.revoke(ledger, made.release.id, made.release.version, who=who.name, now=now)
                elif data.get("sure") == made.agreed:
                    approving.approve(ledger, made, who=who.name, now=now)
                else:
                    raise ActionError("these are other bytes than the ones that were shown: look again, then approve")
            kit.note(request, "approve", made.digest, made.release.id)

        await kit.work(write)
        return kit.go(f"/r/{name}/approve")

    def read() -> approving.Standing:
        with acting.ledger() as ledger:
            return approving.standing(ledger, made)

    standing = await kit.work(read)
    return kit.page(
        request,
        "approve.html",
        name=name,
        made=made,
        release=made.release,
        standing=standing,
        mine=any(one.who == who.name for one in standing.valid),
        may=who.role.rank >= Role.approver.rank,
        four_eyes=acting.settings.policy.four_eyes,
    )


routes = [Route("/r/{name}/approve", approve, methods=["GET", "POST"])]
