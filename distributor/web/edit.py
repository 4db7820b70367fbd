"""Writing a release: its text in every language side by side, the preview beside it, and nothing lost on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from distributor import frontmatter
from distributor.errors import ActionError, DistributorError
from distributor.fields import language_tag
from distributor.web import album, bring, fields, kit, looks, merging, writing
from distributor.web.drafts import MAIN, Conflict, Drafts, Edit, Text
from distributor.web.kit import _
from distributor.web.merging import compare

MOST = 8 * frontmatter.MAX_FILE  #: bytes of a form: every language version, and what the form says besides


async def show(request: Request) -> Response:
    """The form. What the person wrote and did not save is in it again, with a word about it."""
    who = kit.need(request)

    def made() -> dict[str, Any]:
        name = writing.name_of(request)
        drafts = looks.drafts(kit.desk(request))
        texts = drafts.texts(name)
        for text in texts.values():
            drafts.remember(text)
        found, texts = writing.recovered(drafts, name, who.name, texts)
        return writing.values(request, name, texts, recovered=found)

    return kit.page(request, "edit.html", **await kit.work(made))


# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """The form of one window."""

    name: str
    who: str
    tab: str
    number: float
    edits: dict[str, Edit]  #: as they were written in the text fields
    form: FormData

    @property
    def sources(self) -> dict[str, str]:
        """The texts with what was changed in the inputs."""
        plain = {key: edit.source for key, edit in self.edits.items()}
        return fields.applied(plain, self.form)


async def _sent(request: Request) -> _Sent:
    who = kit.need(request)
    form = await kit.form(request, most=MOST)
    name = writing.name_of(request)
    edits = {
        key.removeprefix("text."): Edit(source=value.replace("\r\n", "\n"), seen=str(form.get(f"seen.{key[5:]}") or ""))
        for key, value in form.items()
        if key.startswith("text.") and isinstance(value, str)
    }
    try:
        number = float(str(form.get("number") or 0))
    except ValueError:
        number = 0.0
    return _Sent(name=name, who=who.name, tab=str(form.get("tab") or "")[:40], number=number, edits=edits, form=form)


async def save(request: Request) -> Response:
    """Save every text that changed; where somebody else saved meanwhile, show both, and overwrite nothing."""
    sent = await _sent(request)
    return await kit.work(lambda: _save(request, sent))


def _save(request: Request, sent: _Sent) -> Response:
    drafts = looks.drafts(kit.desk(request))
    writing.windows(request).is_old((sent.name, sent.who, sent.tab), sent.number)
    sources = {key: edit.source for key, edit in sent.edits.items()}
    try:
        sources = sent.sources
        drafts.save(sent.name, {key: Edit(source=text, seen=sent.edits[key].seen) for key, text in sources.items()})
    except Conflict as conflict:
        _keep(drafts, sent, sources)
        return _conflict(request, sent, conflict, sources)
    except DistributorError as error:  # what was written comes back in the form
        _keep(drafts, sent, sources)
        texts = {
            key: Text(key=key, path=drafts.file(sent.name, key), source=text, digest=sent.edits[key].seen)
            for key, text in sources.items()
        }
        values = writing.values(request, sent.name, texts, problems=[str(problem) for problem in error.problems])
        return kit.page(request, "edit.html", status=422, **values)
    drafts.forget(sent.name, sent.who, sent.tab or "form", [str(one) for one in sent.form.getlist("shown")])
    kit.note(request, "save", f"saved {sent.name}", sent.name)
    if sent.form.get("then") == "preview":
        return kit.go(f"/r/{quote(sent.name)}/preview")
    return kit.go(f"/r/{quote(sent.name)}?said=saved")


def _keep(drafts: Drafts, sent: _Sent, sources: Mapping[str, str]) -> None:
    for key, source in sources.items():
        drafts.autosave(sent.name, key, sent.who, sent.tab or "form", Edit(source=source, seen=sent.edits[key].seen))


def _conflict(request: Request, sent: _Sent, conflict: Conflict, sources: Mapping[str, str]) -> Response:
    """Both texts from where both began; the text field holds both changes where they can stand together, else the
    person's own.
    """
    drafts = looks.drafts(kit.desk(request))
    rows: list[dict[str, object]] = []
    for key, source in sources.items():
        theirs = conflict.texts.get(key)
        if theirs is None:
            rows.append({"key": key, "source": source, "seen": sent.edits[key].seen, "clash": None})
            continue
        drafts.remember(theirs)
        base = drafts.seen(sent.edits[key].seen)
        merged = merging.merge(base, source, theirs.source) if base is not None else None
        clash = {
            "file": theirs.path.name,
            "merged": merged is not None,
            "theirs": compare(base if base is not None else source, theirs.source),
            "mine": compare(base if base is not None else theirs.source, source),
        }
        shown = merged if merged is not None else source
        rows.append({"key": key, "source": shown, "seen": theirs.digest, "clash": clash})
    return kit.page(request, "conflict.html", status=409, name=sent.name, rows=rows, tab=sent.tab, said=str(conflict))


async def live(request: Request) -> Response:
    """The preview of what is being written, and the inputs as the text has them now (JSON)."""
    sent = await _sent(request)

    def made() -> dict[str, Any]:
        desk = kit.desk(request)
        wrong, sources = [], {key: edit.source for key, edit in sent.edits.items()}
        try:
            sources = sent.sources
        except ActionError as error:
            wrong = [writing.placed(sent.name, problem) for problem in error.problems]
        look = writing.beside(request, sent.name, sources)
        look["problems"] = [*wrong, *look["problems"]]
        shown = fields.shown(sources, desk.settings.house.contacts)
        html = kit.page(request, "_live.html", name=sent.name, look=look).body
        return {"html": bytes(html).decode(), "sources": sources, "fields": shown, **_around(request, sent)}

    return JSONResponse(await kit.work(made))


async def autosave(request: Request) -> Response:
    """Keep what is being written, for when it is not saved (JSON). `leave` says that the window closes."""
    sent = await _sent(request)

    def made() -> dict[str, Any]:
        drafts, key = looks.drafts(kit.desk(request)), (sent.name, sent.who, sent.tab)
        if writing.windows(request).is_old(key, sent.number):
            return {"kept": True, **_around(request, sent)}
        sources = {key: edit.source for key, edit in sent.edits.items()}
        try:
            sources = sent.sources
        finally:
            _keep(drafts, sent, sources)
        around = _around(request, sent)
        if sent.form.get("leave"):
            writing.windows(request).presence.leave(sent.name, sent.who, sent.tab)
        return {"kept": True, **around}

    return JSONResponse(await kit.work(made))


def _around(request: Request, sent: _Sent) -> dict[str, Any]:
    """Who else is there, and which texts somebody saved since they were opened here."""
    desk = kit.desk(request)
    texts = looks.drafts(desk).texts(sent.name)
    newer = [key for key, edit in sent.edits.items() if key in texts and texts[key].digest != edit.seen]
    others = writing.windows(request).presence.here(sent.name, sent.who, sent.tab, desk.clock.monotonic())
    own = [_("you, in another window") if other == sent.who else other for other in others]
    return {"others": own, "newer": [texts[key].path.name for key in newer]}


async def discard(request: Request) -> Response:
    """Give up what was written and not saved."""
    who = kit.need(request)
    await kit.form(request)
    name = writing.name_of(request)
    await kit.work(lambda: looks.drafts(kit.desk(request)).forget(name, who.name))
    return kit.go(f"/r/{quote(name)}")


async def language(request: Request) -> Response:
    """Add a language version: a file of its own with a headline to translate."""
    kit.need(request)
    form = await kit.form(request)
    name = writing.name_of(request)

    def made() -> None:
        drafts = looks.drafts(kit.desk(request))
        try:
            tag = language_tag(str(form.get("lang") or "").strip())
        except ValueError as error:
            raise ActionError(str(error)) from None
        texts = drafts.texts(name)
        if tag in texts or tag == texts[MAIN].lang:
            raise ActionError(_("There is a version in this language already."))
        drafts.save(name, {tag: Edit(source=bring.translation(texts[MAIN], tag), seen="")})

    await kit.work(made)
    return kit.go(f"/r/{quote(name)}?said=language")


routes: list[Route] = [
    *bring.routes,
    *album.routes,
    Route("/r/{name}", show, methods=["GET"]),
    Route("/r/{name}", save, methods=["POST"]),
    Route("/r/{name}/live", live, methods=["POST"]),
    Route("/r/{name}/autosave", autosave, methods=["POST"]),
    Route("/r/{name}/discard", discard, methods=["POST"]),
    Route("/r/{name}/language", language, methods=["POST"]),
]
