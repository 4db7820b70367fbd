"""A correction: the next version of a release that is out, begun in its file."""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor.errors import ActionError
from distributor.web import fronts, kit, looks, writing
from distributor.web.drafts import MAIN
from distributor.web.kit import _

CLASSES = ("A", "B", "C")  #: material, minor, formatting: release.Correction


async def correct(request: Request) -> Response:
    """Write the next version's number and what it corrects into the file, and take the embargo that is over out of it; the text is
    changed in the editor then.
    """
    kit.need(request)
    form = await kit.form(request)
    severity, words = str(form.get("class") or ""), " ".join(str(form.get("text") or "").split())

    def begin() -> str:
        name, acting = writing.name_of(request), kit.desk(request)
        if severity not in CLASSES or (severity != "C" and not words):
            raise ActionError(_("Say what was wrong, and what is right."))
        drafts = looks.drafts(acting)
        with drafts.held():
            texts = drafts.texts(name)
            release_id = str(fronts.values(texts[MAIN].source).get("id") or "")
            with acting.ledger() as ledger:
                known = acting.known(ledger, release_id)
                if not any(ledger.is_out(one.id, one.version) for one in ledger.releases(release_id)):
                    raise ActionError(
                        _("Nothing of it is out: move or cancel it, and schedule the text that is right.")
                    )
            changed = {text: fronts.set_field(text.source, "embargoed_until", None) for text in texts.values()}
            changed[texts[MAIN]] = _next(changed[texts[MAIN]], known.version, severity, words)
            for one, source in changed.items():
                drafts.change(one, source)
        kit.note(request, "correct", f"began version {known.version + 1}", release_id)
        return name

    return kit.go(f"/r/{quote(await kit.work(begin))}")


def _next(source: str, version: int, severity: str, text: str) -> str:
    """The main file as the version after `version`."""
    said: dict[str, Any] = {"version": str(version), "class": severity, **({"text": text} if text else {})}
    return fronts.set_field(fronts.set_field(source, "version", str(version + 1)), "corrects", said)


routes = [Route("/r/{name}/correct", correct, methods=["POST"])]
