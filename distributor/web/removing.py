"""Deleting a draft: its files are moved out of the folder of releases, and nothing is lost."""

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.web import fronts, kit, looks, unsaved, writing
from distributor.web.drafts import MAIN, Drafts
from distributor.web.kit import _

_ID = re.compile(r"^id:[ \t]*['\"]?([\w-]+)", re.MULTILINE)


async def delete(request: Request) -> Response:
    """Delete a draft of which nothing was ever scheduled, when whoever asks writes its name."""
    kit.need(request)
    form = await kit.form(request)
    name = writing.name_of(request)

    def made() -> None:
        if str(form.get("confirm") or "").strip() != name:
            raise ActionError(
                _("To delete the draft, write its name: {name}. Nothing was deleted.").replace("{name}", name)
            )
        desk = kit.desk(request)
        drafts = looks.drafts(desk)
        with drafts.held():
            release_id = _refuse_scheduled(desk, drafts, name)
            kept = _move(drafts, name, f"{name}-{desk.clock.now():%Y%m%dT%H%M%SZ}")
        kit.note(request, "delete", f"deleted the draft {name}; it is kept in {kept}", release_id)

    await kit.work(made)
    return kit.go(f"/releases?q={quote(name)}")


def _refuse_scheduled(desk: Desk, drafts: Drafts, name: str) -> str:
    """The draft's release id; raises ActionError where the ledger has anything of it."""
    source = drafts.texts(name)[MAIN].source
    written = _ID.search(source)
    release_id = str(fronts.values(source).get("id") or (written[1] if written else name))
    with desk.ledger(create=True) as ledger:
        known = ledger.releases(release_id)
    if known:
        raise ActionError(
            _("'{id}' was scheduled before: its file stays. Nothing was deleted.").replace("{id}", release_id)
        )
    return release_id


def _move(drafts: Drafts, name: str, folder: str) -> str:
    """Copy the files of a draft, and what anybody wrote in it and did not save; then take them away, the main file last.
    Returns where they are.
    """
    tries = (folder if number == 1 else f"{folder}-{number}" for number in range(1, 1_000))
    kept = next(one for one in (drafts.aside / "deleted" / name for name in tries) if not one.exists())
    texts = sorted(drafts.texts(name).values(), key=lambda text: text.key == MAIN)
    paths = [*unsaved.everybody(drafts, name), *(text.path for text in texts)]
    for path in paths:
        drafts.put(kept / path.name, path.read_bytes())
    for path in paths:
        path.unlink()
    return str(kept.relative_to(drafts.state))


routes: list[Route] = [Route("/r/{name}/delete", delete, methods=["POST"])]
