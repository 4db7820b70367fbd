"""The photos of a release: upload, words in every language version, crop."""

from typing import Any
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import images
from distributor.contract import MediaFile
from distributor.errors import ActionError, DistributorError
from distributor.web import kit, looks, photos, uploads, writing
from distributor.web.drafts import MAIN, Drafts
from distributor.web.kit import _
from distributor.web.photos import Box

_WORDS = ("caption", "alt", "credit")


async def show(request: Request) -> Response:
    """Every photo with its words, and a form for another one."""
    kit.need(request)
    return kit.page(request, "photos.html", **await kit.work(lambda: _values(request)))


def _values(request: Request, problems: list[str] | None = None) -> dict[str, Any]:
    name = writing.name_of(request)
    drafts = looks.drafts(kit.desk(request))
    shown: dict[str, dict[str, Any]] = {}
    for key, text in drafts.texts(name).items():
        for entry in uploads.media(text.source):
            file = entry.get("file")
            if isinstance(file, str):
                one = shown.setdefault(file, {"file": file, "size": _size(drafts, name, file), "words": []})
                one["words"].append({"key": key, "lang": text.lang, **{word: entry.get(word) or "" for word in _WORDS}})
    return {
        "name": name, "photos": list(shown.values()), "problems": problems or [], "said": request.query_params.get("said", ""),
        "main": MAIN,
    }  # fmt: skip


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
    """Take an upload."""
    kit.need(request)
    form = await kit.form(request, most=photos.MAX_PHOTO + 100_000)
    upload = form.get("photo")
    data = await upload.read() if isinstance(upload, UploadFile) else b""
    title = (upload.filename or "photo") if isinstance(upload, UploadFile) else "photo"
    words = {word: " ".join(str(form.get(word) or "").split()) for word in _WORDS}
    await form.close()

    def made() -> str:
        name = writing.name_of(request)
        file = uploads.add(looks.drafts(kit.desk(request)), name, photos.read(data, title), words)
        kit.note(request, "photo", f"added {file}", name)
        return "added"

    return await _done(request, made)


async def describe(request: Request) -> Response:
    """Other words for a photo in one language version."""
    kit.need(request)
    form = await kit.form(request)
    words = {word: " ".join(str(form.get(word) or "").split()) for word in _WORDS}

    def made() -> str:
        drafts = looks.drafts(kit.desk(request))
        uploads.describe(
            drafts, writing.name_of(request), str(form.get("key") or MAIN), str(form.get("file") or ""), words
        )
        return "saved"

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


async def _done(request: Request, made: Any) -> Response:
    try:
        said = await kit.work(made)
    except DistributorError as error:
        problems = [str(problem) for problem in error.problems]
        return kit.page(request, "photos.html", status=422, **await kit.work(lambda: _values(request, problems)))
    return kit.go(f"/r/{quote(request.path_params['name'])}/photos?said={said}")


routes: list[Route] = [
    Route("/r/{name}/photos", show, methods=["GET"]),
    Route("/r/{name}/photos/file/{file}", photo, methods=["GET"]),
    Route("/r/{name}/photos/add", add, methods=["POST"]),
    Route("/r/{name}/photos/words", describe, methods=["POST"]),
    Route("/r/{name}/photos/crop", crop, methods=["POST"]),
]
