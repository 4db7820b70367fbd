"""A release that begins: an empty one from a headline, or a text that somebody brings along."""

from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import preflight
from distributor.errors import ActionError, DistributorError
from distributor.fields import language_tag
from distributor.web import documents, fronts, kit, listing, looks
from distributor.web.documents import Brought
from distributor.web.drafts import MAIN, Drafts, Edit, Text
from distributor.web.kit import _


async def new(request: Request) -> Response:
    """Begin with a headline; issuer and contacts come from the house where there are any."""
    kit.need(request)
    if request.method == "GET":
        return kit.page(request, "new.html", headline="", written="en", problems=[])
    form = await kit.form(request)
    headline, lang = (str(form.get(key) or "").strip() for key in ("headline", "lang"))

    def made() -> str:
        if not headline:
            raise ActionError(_("Write a headline: the release's name is made of it."))
        desk = kit.desk(request)
        drafts = looks.drafts(desk)
        name = drafts.unused(headline, _ids(drafts))
        drafts.save(name, {MAIN: Edit(source=_skeleton(desk.settings.house, name, headline, _tag(lang)), seen="")})
        return name

    try:
        name = await kit.work(made)
    except DistributorError as error:
        return kit.page(request, "new.html", status=422, headline=headline, written=lang, problems=error.problems)
    await kit.work(lambda: kit.note(request, "new", f"began {name}", name))
    return kit.go(f"/r/{quote(name)}")


def _ids(drafts: Drafts) -> frozenset[str]:
    """The id in every release file, whatever the file is called."""
    return frozenset(listing.read_draft(drafts.path(name)).id for name in drafts.names())


def _tag(lang: str) -> str:
    try:
        return language_tag(lang or "en")
    except ValueError as error:
        raise ActionError(str(error)) from None


def _skeleton(house: Any, name: str, headline: str, lang: str) -> str:
    """A release file with what is known."""
    source = "---\n---\n\n"
    issuers, contacts, about = list(house.issuers), list(house.contacts), house.boilerplates
    known: dict[str, Any] = {"id": name, "lang": lang, "headline": headline}
    if issuers:
        known["issuer"] = issuers[0]
    if contacts:
        known["contacts"] = contacts[:1]
    known |= dict([("boilerplate", key) for key, texts in about.items() if lang in texts][:1])
    for key, value in known.items():
        source = fronts.set_field(source, key, value)
    return source


def translation(main: Text, lang: str) -> str:
    """The beginning of a language version."""
    headline = str(fronts.values(main.source).get("headline") or "")
    source = fronts.set_field("---\n---\n\n", "lang", lang)
    return fronts.set_field(source, "headline", headline) if headline else source


async def bring(request: Request) -> Response:
    """Make a release of a text: pasted, or a file. What was guessed from which line is said, as on the command line."""
    kit.need(request)
    if request.method == "GET":
        return kit.page(request, "import.html", text="", written="", problems=[])
    try:
        form = await kit.form(request, most=documents.MAX_DOCUMENT + 1_000_000)
    except HTTPException as error:
        if error.status_code != 413:
            raise
        most = _("The file is too large: at most {most} MB are taken.").format(most=documents.MAX_DOCUMENT // 10**6)
        return kit.page(request, "import.html", status=413, text="", written="", problems=[most])
    upload = form.get("file")
    data = await upload.read() if isinstance(upload, UploadFile) and upload.filename else None
    text = str(form.get("text") or "")
    await form.close()
    try:
        values = await kit.work(lambda: _brought(request, data, text, form))
    except DistributorError as error:
        shown = {"text": text, "written": str(form.get("lang") or ""), "problems": error.problems}
        return kit.page(request, "import.html", status=422, **shown)
    await kit.work(lambda: kit.note(request, "import", f"imported {values['name']}", str(values["name"])))
    return kit.page(request, "imported.html", **values)


def _brought(request: Request, data: bytes | None, text: str, form: FormData) -> dict[str, Any]:
    desk = kit.desk(request)
    if data is not None and text.strip():
        raise ActionError(_("A file was chosen and a text was pasted: bring one of the two, and the other after it."))
    brought = documents.read(data) if data is not None else documents.paste(text)
    if brought.is_release:
        return _as_it_is(request, brought)
    lang = str(form.get("lang") or "").strip() or None
    made, left = documents.draft(brought, lang=lang)
    drafts = looks.drafts(desk)
    name = drafts.unused(made.id, _ids(drafts))
    source = made.markdown if name == made.id else fronts.set_field(made.markdown, "id", name)
    drafts.save(name, {MAIN: Edit(source=source, seen="")})
    release = desk.read(drafts.path(name)).release
    found = [*preflight.check(release, kit.house(request).clock.now()), *preflight.imported(made.dropped)]
    return {
        "name": name, "headline": release.main.headline, "guesses": made.guesses, "dropped": made.dropped,
        "findings": found, "left": left, "problems": [], "taken": "",
        "unread": release.embargo_note if release.embargoed_until is None else "",
    }  # fmt: skip


def _as_it_is(request: Request, brought: Brought) -> dict[str, Any]:
    """A release file stays as it is, under its own id unless another has it; what is wrong in it is told."""
    desk = kit.desk(request)
    drafts = looks.drafts(desk)
    front = fronts.values(brought.text)
    own, ids = str(front.get("id") or ""), _ids(drafts)
    name = drafts.unused(own or str(front.get("headline") or "release"), ids)
    taken = own if own in ids else ""
    source = fronts.set_field(brought.text, "id", name) if taken else brought.text
    drafts.save(name, {MAIN: Edit(source=source, seen="")})
    problems: list[str] = []
    found: list[Any] = []
    try:
        found = preflight.check(desk.read(drafts.path(name)).release, kit.house(request).clock.now())
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
    headline = str(front.get("headline") or name)
    return {
        "name": name, "headline": headline, "guesses": (), "dropped": (), "findings": found, "left": (), "problems": problems,
        "taken": taken, "unread": "",
    }  # fmt: skip


routes: list[Route] = [
    Route("/releases/new", new, methods=["GET", "POST"]),
    Route("/releases/import", bring, methods=["GET", "POST"]),
]
