"""The photos of a release: upload, words in every language version, crop."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import images
from distributor.contract import MediaFile
from distributor.errors import ActionError, DistributorError
from distributor.web import fronts, kit, looks, photos, uploads, writing
from distributor.web.drafts import MAIN, Drafts, Text
from distributor.web.kit import _
from distributor.web.photos import Box
from distributor.web.uploads import Overtaken, Word

WORDS = ("caption", "alt", "credit")


async def show(request: Request) -> Response:
    """Every photo with its words, and a form for another one."""
    kit.need(request)
    return kit.page(request, "photos.html", **await kit.work(lambda: _values(request)))


def _values(
    request: Request, problems: list[str] | None = None, typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the page shows; `typed` is a form that was refused, whose words stand in its inputs again."""
    name, typed = writing.name_of(request), typed or {}
    drafts = looks.drafts(kit.desk(request))
    texts = drafts.texts(name)
    listed = [entry.get("file") for text in texts.values() for entry in uploads.media(text.source)]
    shown = []
    for file in dict.fromkeys(file for file in listed if isinstance(file, str)):
        words = [_words(texts, file, key, typed) for key in texts]
        shown.append({"file": file, "size": _size(drafts, name, file), "words": words})
    new = {word: typed.get(word, "") if "file" not in typed else "" for word in WORDS}
    return {
        "name": name, "photos": shown, "problems": problems or [], "said": request.query_params.get("said", ""), "new": new,
    }  # fmt: skip


def _words(texts: Mapping[str, Text], file: str, key: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """The words of a photo in one language version, and whether they are its own, the main text's, or none yet."""
    there = uploads.described(texts, file, key)
    was = {word: str(there.get(word) or "") for word in WORDS}
    mine = (typed.get("file"), typed.get("key")) == (file, key)
    now = {word: typed.get(word, was[word]) for word in WORDS} if mine else was
    inherited = key != MAIN and "media" not in fronts.values(texts[key].source)
    return {"key": key, "lang": texts[key].lang, "was": was, "inherited": inherited, "listed": bool(there), **now}


def _size(drafts: Drafts, name: str, file: str) -> tuple[int, int] | None:
    try:
        return images.size(MediaFile(name=file, content_type="", data=uploads.data(drafts, name, file)))
    except ActionError:
        return None


async def photo(request: Request) -> Response:
    """One of the release's own photos; anything else that lies in the folder is not served."""
    kit.need(request)
    name = writing.name_of(request)

    def read() -> tuple[bytes, str | None]:
        try:
            data = uploads.data(looks.drafts(kit.desk(request)), name, request.path_params["file"])
        except ActionError:
            raise HTTPException(404) from None
        return data, photos.kind(data)

    data, kind = await kit.work(read)
    if kind is None:
        raise HTTPException(404)
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, no-cache"}
    return Response(data, media_type=kind, headers=headers)


async def add(request: Request) -> Response:
    """Take an upload. One that is too large is read all the same, up to twice of what is taken: the words beside it come back."""
    kit.need(request)
    form = await kit.form(request, most=2 * photos.MAX_PHOTO + 100_000)
    upload = form.get("photo")
    data = await upload.read() if isinstance(upload, UploadFile) else b""
    title = (upload.filename or "photo") if isinstance(upload, UploadFile) else "photo"
    words = _given(form)
    await form.close()

    def made() -> str:
        name = writing.name_of(request)
        file = uploads.add(looks.drafts(kit.desk(request)), name, photos.read(data, title), words)
        kit.note(request, "photo", f"added {file}", name)
        return "added"

    return await _done(request, made, words)


def _given(form: FormData, prefix: str = "") -> dict[str, str]:
    """Words of the form, each on one line."""
    return {word: " ".join(str(form.get(f"{prefix}{word}") or "").split()) for word in WORDS}


async def describe(request: Request) -> Response:
    """Other words for a photo in one language version: those that differ from what the page showed."""
    kit.need(request)
    form = await kit.form(request)
    key, file, now = str(form.get("key") or MAIN), str(form.get("file") or ""), _given(form)
    was = {word: str(form.get(f"was.{word}") or "").replace("\r\n", "\n") for word in WORDS}
    flat = _given(form, "was.")
    words = {word: Word(was[word], was[word] if now[word] == flat[word] else now[word]) for word in WORDS}

    def made() -> str:
        uploads.describe(looks.drafts(kit.desk(request)), writing.name_of(request), key, file, words)
        return "saved"

    return await _done(request, made, {"file": file, "key": key, **now})


async def arrange(request: Request) -> Response:
    """Move a photo up or down, or take it out of the release; its file stays."""
    kit.need(request)
    form = await kit.form(request)
    file, what = str(form.get("file") or ""), str(form.get("do") or "")

    def made() -> str:
        name, drafts = writing.name_of(request), looks.drafts(kit.desk(request))
        if what == "remove":
            uploads.remove(drafts, name, file)
            kit.note(request, "photo", f"took {file} out", name)
            return "removed"
        uploads.move(drafts, name, file, up=what == "up")
        return "moved"

    return await _done(request, made)


async def crop(request: Request) -> Response:
    """Keep a part of a photo; the whole one stays beside the release."""
    kit.need(request)
    form = await kit.form(request)

    def made() -> str:
        name, file = writing.name_of(request), str(form.get("file") or "")
        drafts = looks.drafts(kit.desk(request))
        try:
            box = Box(**{side: int(str(form.get(side) or "")) for side in ("x", "y", "width", "height")})
        except ValueError:
            raise ActionError(_("Write the crop as four whole numbers.")) from None
        cut = photos.crop(uploads.data(drafts, name, file), file, box)
        made = uploads.replace(drafts, name, file, cut)
        kit.note(request, "photo", f"cropped {file} to {made}", name)
        return "cropped"

    return await _done(request, made)


async def _done(request: Request, made: Callable[[], str], typed: Mapping[str, str] | None = None) -> Response:
    try:
        said = await kit.work(made)
    except DistributorError as error:
        problems, status = [str(problem) for problem in error.problems], 409 if isinstance(error, Overtaken) else 422
        values = await kit.work(lambda: _values(request, problems, typed))
        return kit.page(request, "photos.html", status=status, **values)
    return kit.go(f"/r/{quote(request.path_params['name'])}/photos?said={said}")


routes: list[Route] = [
    Route("/r/{name}/photos", show, methods=["GET"]),
    Route("/r/{name}/photos/file/{file:path}", photo, methods=["GET"]),
    Route("/r/{name}/photos/add", add, methods=["POST"]),
    Route("/r/{name}/photos/words", describe, methods=["POST"]),
    Route("/r/{name}/photos/arrange", arrange, methods=["POST"]),
    Route("/r/{name}/photos/crop", crop, methods=["POST"]),
]
