"""Writing a release: its text in every language side by side, the preview beside it, and nothing lost on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from distributor import frontmatter
from distributor.errors import ActionError, DistributorError, Problem
from distributor.fields import language_tag
from distributor.web import album, bring, fields, fronts, kit, looks, merging, removing, unsaved, writing
from distributor.web.drafts import MAIN, Conflict, Edit, Text
from distributor.web.kit import _
from distributor.web.merging import compare
from distributor.web.unsaved import Pending

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
        drafts.prune()
        found, texts, typed = writing.recovered(drafts, name, who.name, texts)
        return writing.values(request, name, texts, typed=typed, found=found)

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
    def window(self) -> writing.Window:
        """Which window of the person's that is."""
        return self.name, self.who, self.tab

    @property
    def shown(self) -> list[str]:
        """The marks of what was written and not saved and is taken over, or given up, here."""
        return [str(one) for one in self.form.getlist("shown")]

    def applied(self) -> tuple[dict[str, str], Pending, list[Problem]]:
        """The texts with what was changed in the inputs. Where that cannot be: the texts as they are, what is left in the inputs,
        and why.
        """
        plain = {key: edit.source for key, edit in self.edits.items()}
        try:
            return fields.applied(plain, self.form), {}, []
        except ActionError as error:
            was, now = fields.typed(self.form)
            return plain, {name: (was[name], now[name]) for name in was if was[name] != now[name]}, [*error.problems]


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
    """Save every text that changed; where somebody else saved meanwhile, show both, and overwrite nothing. Who may not save
    any more, since the session is over, gets the words back.
    """
    try:
        sent = await _sent(request)
    except HTTPException as refused:
        return await _handed_back(request, refused)
    return await kit.work(lambda: _save(request, sent))


def _save(request: Request, sent: _Sent) -> Response:
    drafts, windows = looks.drafts(kit.desk(request)), writing.windows(request)
    windows.end(sent.window, sent.number)
    sources, pending, wrong = sent.applied()
    if wrong:
        _keep(request, sent, sources, pending)
        was, now = fields.typed(sent.form)
        return _again(request, sent, sources, wrong, {name: (was[name], now[name]) for name in was})
    try:
        drafts.save(sent.name, {key: Edit(source=text, seen=sent.edits[key].seen) for key, text in sources.items()})
    except Conflict as conflict:
        _keep(request, sent, sources)
        return _conflict(request, sent, conflict, sources)
    except DistributorError as error:
        _keep(request, sent, sources)
        return _again(request, sent, sources, error.problems)
    unsaved.forget(drafts, sent.name, sent.who, sent.tab or "form", sent.shown)
    windows.safe[sent.window] = sent.number
    kit.note(request, "save", f"saved {sent.name}", sent.name)
    if sent.form.get("then") == "preview":
        return kit.go(f"/r/{quote(sent.name)}/preview")
    return kit.go(f"/r/{quote(sent.name)}?said=saved")


def _keep(request: Request, sent: _Sent, sources: Mapping[str, str], pending: Pending | None = None) -> None:
    drafts, tab = looks.drafts(kit.desk(request)), sent.tab or "form"
    for key, source in sources.items():
        unsaved.keep(drafts, sent.name, key, sent.who, tab, Edit(source=source, seen=sent.edits[key].seen))
    unsaved.keep_inputs(drafts, sent.name, sent.who, tab, pending or {})
    writing.windows(request).safe[sent.window] = sent.number


def _again(
    request: Request,
    sent: _Sent,
    sources: Mapping[str, str],
    problems: Sequence[Problem],
    typed: Pending | None = None,
) -> Response:
    """The form with what was written in its texts, and `typed` in its inputs, and why it was not saved."""
    drafts = looks.drafts(kit.desk(request))
    texts = {
        key: Text(key=key, path=drafts.file(sent.name, key), source=text, digest=sent.edits[key].seen)
        for key, text in sources.items()
    }
    said = [str(problem) for problem in problems]
    values = writing.values(request, sent.name, texts, tab=sent.tab, typed=typed, shown=sent.shown, problems=said)
    return kit.page(request, "edit.html", status=422, **values)


async def _handed_back(request: Request, refused: HTTPException) -> Response:
    """The words of a form that was refused for its session, in a page to copy them from; raises `refused` for any other."""
    if refused.status_code not in (401, 403):
        raise refused
    kit.refuse_foreign(request)
    form = await kit.read(request, most=MOST)
    texts = [(key[5:], value) for key, value in form.items() if key.startswith("text.") and isinstance(value, str)]
    if not texts:
        raise refused
    name = request.path_params["name"]
    return kit.page(request, "returned.html", status=refused.status_code, name=name, texts=texts)


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
    values = {"name": sent.name, "rows": rows, "tab": sent.tab, "shown": sent.shown, "said": str(conflict)}
    return kit.page(request, "conflict.html", status=409, **values)


async def live(request: Request) -> Response:
    """The preview of what is being written, and the inputs as the text has them now (JSON): of the texts that can be read, and
    none where something is left in them.
    """
    sent = await _sent(request)

    def made() -> dict[str, Any]:
        sources, pending, wrong = sent.applied()
        look = writing.beside(request, sent.name, sources)
        look["problems"] = [*(writing.placed(sent.name, problem) for problem in wrong), *look["problems"]]
        read = {} if pending else {key: text for key, text in sources.items() if fronts.readable(text)}
        shown = fields.shown(read, kit.desk(request).settings.house.contacts)
        if "zone" in shown:  # a zone alone is nothing that a text can hold: it waits in its input
            shown["zone"] = shown["zone"] or str(sent.form.get("zone") or "")
        html = bytes(kit.page(request, "_live.html", name=sent.name, look=look).body).decode()
        said = {"html": html, "sources": sources, "fields": shown, "unread": writing.unread(sources)}
        return {**said, **_around(request, sent)}

    return JSONResponse(await kit.work(made))


async def autosave(request: Request) -> Response:
    """Keep what is being written, for when it is not saved (JSON). `leave` says that the window closes."""
    sent = await _sent(request)

    def made() -> dict[str, Any]:
        windows = writing.windows(request)
        if windows.is_old(sent.window, sent.number):
            return {"kept": True}
        sources, pending, _wrong = sent.applied()
        _keep(request, sent, sources, pending)
        around = _around(request, sent)
        if sent.form.get("leave"):
            windows.presence.leave(*sent.window)
        return {"kept": True, **around}

    return JSONResponse(await kit.work(made))


def _around(request: Request, sent: _Sent) -> dict[str, Any]:
    """Who else is there, and which texts somebody saved since they were opened here; nothing for a request that was overtaken:
    its window may be gone.
    """
    desk, windows = kit.desk(request), writing.windows(request)
    texts = looks.drafts(desk).texts(sent.name)
    newer = [key for key, edit in sent.edits.items() if key in texts and texts[key].digest != edit.seen]
    others = windows.others(sent.window, sent.number, desk.clock.monotonic())
    if others is None:
        return {}
    own = [_("you, in another window") if other == sent.who else other for other in others]
    return {"others": own, "newer": [texts[key].path.name for key in newer]}


async def discard(request: Request) -> Response:
    """Give up what the page showed as written and not saved, and what of it went on being kept for this window."""
    sent = await _sent(request)

    def made() -> None:
        writing.windows(request).end(sent.window, sent.number)
        unsaved.forget(looks.drafts(kit.desk(request)), sent.name, sent.who, sent.tab, sent.shown)

    await kit.work(made)
    return kit.go(f"/r/{quote(sent.name)}")


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
    *removing.routes,
    Route("/r/{name}", show, methods=["GET"]),
    Route("/r/{name}", save, methods=["POST"]),
    Route("/r/{name}/live", live, methods=["POST"]),
    Route("/r/{name}/autosave", autosave, methods=["POST"]),
    Route("/r/{name}/discard", discard, methods=["POST"]),
    Route("/r/{name}/language", language, methods=["POST"]),
]
