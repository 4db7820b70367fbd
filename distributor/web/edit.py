"""Writing: a release's files as text, each language beside the other, with the preview of what is typed."""

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from distributor import sheet
from distributor.errors import DistributorError
from distributor.reading import ReleaseFile
from distributor.web import drafts, listing
from distributor.web.kit import Office, _, desk, encoded, form, go, need, note, office, page, person, work
from distributor.web.releases import SHEET

_MOST = 4 * drafts.MOST
_BLANK = """---
id: {name}
version: 1
lang: en
headline: {headline}
summary:
issuer:
contacts: []
hashtags: []
# embargoed_until: 2030-03-05 09:00 Asia/Hong_Kong
---

"""


async def new(request: Request) -> Response:
    """A release begins with its headline."""
    need(request)
    here = office(request)
    if request.method == "GET":
        return page(request, "new.html", says="")
    data = await form(request)
    headline = " ".join(str(data.get("headline", "")).split())
    if not headline or len(headline) > 300:
        return page(request, "new.html", status=422, says=_("A headline has 1 to 300 characters."))

    def write() -> str:
        here.releases.mkdir(exist_ok=True)
        name = drafts.slug(headline, {path.stem for path in listing.files(here.releases)})
        quoted = "'" + headline.replace("'", "''") + "'"
        drafts.write(here.releases, f"{name}.md", _BLANK.format(name=name, headline=quoted), "")
        note(request, "new", name)
        return name

    return go(f"/r/{encoded(await work(write))}")


def _texts(here: Office, name: str) -> list[drafts.Text]:
    if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
        raise HTTPException(404)
    found = drafts.texts(here.releases, name)
    if not found:
        raise HTTPException(404)
    return found


async def edit(request: Request) -> Response:
    """Every language's text in a field of its own. Works without a script."""
    need(request)
    here, name = office(request), request.path_params["name"]
    found = await work(lambda: _texts(here, name))
    values: dict[str, Any] = {"name": name, "texts": found, "conflict": None, "typed": {}, "saved": False}
    if request.method == "POST":
        data = await form(request, most=_MOST)
        typed = {str(key)[5:]: str(value) for key, value in data.items() if str(key).startswith("text:")}
        seen = {str(key)[5:]: str(value) for key, value in data.items() if str(key).startswith("seen:")}
        try:
            await work(lambda: _write(request, here, found, typed, seen))
        except drafts.Conflict as error:
            shown = {**values, "conflict": error, "typed": typed}
            return page(request, "edit.html", status=409, problems=[], **shown)
        return go(f"/r/{encoded(name)}{'/preview' if data.get('then') == 'preview' else '?saved=1'}")
    who, state = person(request), desk(request).places.state
    for one in found:
        text = await work(partial(drafts.kept, state, one.file, who.name))
        if text is not None and text.splitlines() != one.source.splitlines():
            values["typed"][one.file] = text
    values["saved"] = request.query_params.get("saved") == "1"
    problems = await work(lambda: _problems(request, name))
    return page(request, "edit.html", problems=problems, **values)


def _write(
    request: Request, here: Office, found: list[drafts.Text], typed: dict[str, str], seen: dict[str, str]
) -> None:
    known, who, state = {one.file for one in found}, person(request), desk(request).places.state
    for file in typed.keys() & known:
        drafts.keep(state, file, who.name, typed[file])  # whatever comes now, the words are safe
    for file in sorted(typed.keys() & known):
        drafts.write(here.releases, file, typed[file], seen.get(file, "none"))
        drafts.forget(state, file, who.name)
    note(request, "write", ", ".join(sorted(typed.keys() & known)))


def _problems(request: Request, name: str) -> list[str]:
    try:
        desk(request).read(office(request).releases / f"{name}.md")
    except DistributorError as error:
        return [str(problem) for problem in error.problems]
    return []


async def keep(request: Request) -> Response:
    """Keep what is typed; the answer says whether somebody else wrote meanwhile."""
    need(request)
    here, name = office(request), request.path_params["name"]
    found = await work(lambda: _texts(here, name))
    data = await form(request, most=_MOST)
    who, state = person(request), desk(request).places.state
    changed = []
    for one in found:
        text = data.get(f"text:{one.file}")
        if text is not None:
            await work(partial(drafts.keep, state, one.file, who.name, str(text)))
            changed += [one.file] if data.get(f"seen:{one.file}") != one.digest else []
    return JSONResponse({"kept": True, "changed": changed})


async def live(request: Request) -> Response:
    """The preview of what is typed and not written: a POST makes it or says what is wrong, a GET shows the last one."""
    who = need(request)
    here, name = office(request), request.path_params["name"]
    if request.method == "GET":
        last: str = here.cache.get(("live", who.name, name), "")
        return HTMLResponse(last, 200 if last else 404, headers={"content-security-policy": SHEET})
    found = await work(lambda: _texts(here, name))
    data = await form(request, most=_MOST)
    typed = {one.file: str(data.get(f"text:{one.file}", one.source))[: drafts.MOST] for one in found}
    try:
        html = await work(lambda: _sheet(request, here, name, typed))
    except DistributorError as error:
        return JSONResponse({"problems": [str(problem) for problem in error.problems]}, 422)
    here.cache["live", who.name, name] = html
    return JSONResponse({"problems": []})


def _sheet(request: Request, here: Office, name: str, typed: dict[str, str]) -> str:
    """Read from a folder of its own, with the release's media beside it."""
    acting = desk(request)
    state = acting.places.state
    state.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".live-", dir=state) as folder:
        for other in here.releases.iterdir():
            if other.is_file() and other.suffix != ".md":
                _beside(other, Path(folder) / other.name)
        for file, text in typed.items():
            (Path(folder) / file).write_text(text, encoding="utf-8")
        try:
            read: ReleaseFile = acting.read(Path(folder) / f"{name}.md")
        except DistributorError as error:
            places = [type(one)(text=one.text, file=Path(one.file or "").name or None, line=one.line, field=one.field) for one in error.problems]  # fmt: skip
            raise type(error)(*places) from None
        made = acting.press.preview(read, acting.channels, here.clock.now())
        return sheet.page(made, here.templates)


def _beside(file: Path, target: Path) -> None:
    """The same file at another name; copied where the disk cannot link."""
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, target)


routes = [
    Route("/releases/new", new, methods=["GET", "POST"]),
    Route("/r/{name}", edit, methods=["GET", "POST"]),
    Route("/r/{name}/keep", keep, methods=["POST"]),
    Route("/r/{name}/live", live, methods=["GET", "POST"]),
]
