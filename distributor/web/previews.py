"""The preview: every channel side by side as recipients will see it, what changed since the seal, and the sign-off sheet."""

import base64
import email
import email.policy
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from distributor import instants, sheet
from distributor.contract import Message
from distributor.errors import ReleaseError
from distributor.preview import Copy, Rendered
from distributor.store import overview
from distributor.web import dates, kit, looks, pointing
from distributor.web.kit import _
from distributor.web.listing import Status
from distributor.web.looks import Look
from distributor.web.merging import compare

VIEWS = ("light", "dark", "phone", "text", "source")
_FRAME = (
    "sandbox; default-src 'none'; img-src data: https:; style-src 'unsafe-inline' data:; frame-ancestors 'self'; "
    "form-action 'none'; base-uri 'none'"
)
_SHEET = "default-src 'none'; style-src 'unsafe-inline' data:; img-src data:; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_STYLE = re.compile(r"data:text/css;base64,([A-Za-z0-9+/]+={0,2})")
_SHOWN = 500  #: recipients in the list to choose from
_PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")


async def preview(request: Request) -> Response:
    """Every channel, or one; `view` is light, dark, phone, text or source; `as` a recipient; `at` another instant."""
    kit.need(request)
    values = await kit.work(lambda: _page(request))
    return kit.page(request, "release-preview.html", **values)


def _page(request: Request) -> dict[str, Any]:
    name, asked = request.path_params["name"], request.query_params
    view = asked.get("view", "light") if asked.get("view") in VIEWS else "light"
    who, only = asked.get("as", ""), asked.get("channel", "")
    found = _look(request)
    preview = found.preview
    release = preview.release
    cards = [
        _as_seen(found, card, view, who)
        for card in found.cards
        if only in ("", card["message"].channel) and (not who or _copy(card, who))
    ]
    return {
        "name": name,
        "release": release,
        "main": release.main,
        "lift": preview.lift,
        "lift_is_fixed": preview.lift_is_fixed,
        "zones": [(zone, dates.spell(preview.lift, zone)) for zone in release.display_zones],
        "seal": preview.digest,
        "state": _state(request, found),
        "link_of": pointing.links(name, looks.drafts(kit.desk(request)).texts(name)),
        "findings": sheet.by_severity(preview.findings),
        "counts": sheet.counts(preview.all_findings()),
        "late": sheet.late(preview),
        "cards": cards,
        "channels": list(dict.fromkeys(card["message"].channel for card in found.cards)),
        "recipients": _recipients(found),
        "view": view,
        "views": _views(),
        "who": who,
        "only": only,
        "link": lambda **changes: _link(
            name, {"view": view, "as": who, "channel": only, "at": asked.get("at", ""), **changes}
        ),
        "changes": _changes(request, found),
    }


def _state(request: Request, found: Look) -> tuple[str, datetime | None]:
    """Where this version stands by the ledger, and the instant that goes with it."""
    release, acting = found.preview.release, kit.desk(request)
    rows = kit.house(request).listing.rows(acting)
    row = next((row for row in rows if (row.id, row.version) == (release.id, release.version)), None)
    if row is None or row.status is Status.draft:
        return Status.draft, None
    with acting.ledger() as ledger:
        known = ledger.release(row.id)
        begun = [one.first_sent for one in overview.channels(ledger, known) if one.first_sent] if known else []
    return row.status, min(begun, default=row.lift)


def _views() -> list[tuple[str, str]]:
    return [
        ("light", _("Light")), ("dark", _("Dark")), ("phone", _("Phone")), ("text", _("Text")), ("source", _("Wire form")),
    ]  # fmt: skip


def _link(name: str, asked: Mapping[str, str]) -> str:
    query = urlencode({key: value for key, value in asked.items() if value and (key, value) != ("view", "light")})
    return f"/r/{quote(name)}/preview" + (f"?{query}" if query else "")


def _look(request: Request) -> Look:
    """The kept preview that the address names, else the release as it is saved."""
    name, asked = request.path_params["name"], request.query_params
    if found := looks.kept(request).get(asked.get("of", ""), name):
        return found
    if not looks.drafts(kit.desk(request)).exists(name):
        raise HTTPException(404)
    now = kit.house(request).clock.now()
    return looks.look(request, name, instants.instant(asked["at"], now) if asked.get("at") else None)


def _recipients(found: Look) -> list[tuple[str, str]]:
    """Whom one can look as: everybody who gets a copy of their own."""
    people = {
        copy.recipient.address: copy.recipient.name
        for one in found.preview.rendered
        for copy in one.copies
        if "@" in copy.recipient.address
    }
    return list(people.items())[:_SHOWN]


def _copy(card: Mapping[str, Any], who: str) -> Copy | None:
    copies: tuple[Copy, ...] = card["copies"]
    return next((copy for copy in copies if copy.recipient.address == who), None)


def _as_seen(found: Look, card: dict[str, Any], view: str, who: str) -> dict[str, Any]:
    """A card in one view, for one recipient."""
    message = card["message"]
    one = found.rendered(message.channel, message.lang)
    made = {**card, "view": view}
    copy = _copy(card, who) if who else None
    if one and copy:
        message = _personal(one, copy)
        made |= {"message": message, "opening": looks.opening(message), "copies": [copy]}
    if card["frame_url"]:
        made["frame_url"] = f"{card['frame_url']}&{urlencode({'view': view, 'as': who})}" if view in VIEWS[:3] else ""
    if one and view == "source":
        made["wires"] = [_wire(one, copy)] if copy else sheet.wires(one)
    return made


def _wire(one: Rendered, copy: Copy) -> tuple[str, str, int]:
    data = one.channel.compose(one.message, copy.recipient)
    return one.message.filename, data.decode("utf-8", "backslashreplace"), len(data)


def _personal(one: Rendered, copy: Copy) -> Message:
    """The message as its bytes reach one recipient: a mail is taken apart again."""
    if not one.message.content_type.startswith("message/"):
        return one.message
    wire = one.channel.compose(one.message, copy.recipient)
    mail = email.message_from_bytes(wire, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    parts = {kind: part for kind in ("html", "plain") if (part := mail.get_body((kind,)))}
    headers = [(name, str(mail[name])) for name, _value in one.message.headers if mail[name] is not None]
    if mail["To"] is not None and "To" not in dict(headers):
        headers.insert(1, ("To", str(mail["To"])))
    return replace(
        one.message,
        headers=tuple(headers),
        html=str(parts["html"].get_content()) if "html" in parts else "",
        text=str(parts["plain"].get_content()) if "plain" in parts else one.message.text,
    )


async def frame(request: Request) -> Response:
    """A message's own HTML, for a sandboxed frame: no script, nothing fetched but pictures."""
    kit.need(request)
    html = await kit.work(lambda: _frame(request))
    headers = {"Content-Security-Policy": _FRAME, "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store"}
    return Response(html, media_type="text/html", headers=headers)


def _frame(request: Request) -> str:
    found, asked = _look(request), request.query_params
    one = found.rendered(request.path_params["channel"], request.path_params["lang"])
    if one is None or not one.message.html:
        raise HTTPException(404)
    message = one.message
    copy = next((copy for copy in one.copies if copy.recipient.address == asked.get("as")), None)
    html = sheet.frame(_personal(one, copy) if copy else message, found.photos)
    scheme = "dark" if asked.get("view") == "dark" else "light"
    shown = _in_scheme(html, scheme)
    style = f"color-scheme:{scheme}"
    if scheme == "dark" and shown == html and "color-scheme" not in html:
        style = "color-scheme:light;background:#fff"  # it knows no dark: its readers see it like this
    return re.sub(r"(?=</head>)", f"<style>:root{{{style}}}</style>", shown, count=1, flags=re.IGNORECASE)


def _in_scheme(html: str, scheme: str) -> str:
    """The page as in a light or dark browser, whatever the viewer's own is; style sheets inside it, too."""

    def css(found: re.Match[str]) -> str:
        style = _in_scheme(base64.b64decode(found[1]).decode("utf-8", "replace"), scheme)
        return f"data:text/css;base64,{base64.b64encode(style.encode()).decode()}"

    said = _SCHEME.sub(lambda query: "(min-width:0)" if query[1].lower() == scheme else "(max-width:0)", html)
    return _STYLE.sub(css, said)


async def picture(request: Request) -> Response:
    """A photo that a preview shows, by its digest."""
    kit.need(request)
    found = await kit.work(lambda: _look(request))
    media = found.pictures.get(request.path_params["sha256"])
    if media is None or media.content_type not in _PICTURES:
        raise HTTPException(404)
    headers = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, max-age=600"}
    return Response(media.data, media_type=media.content_type, headers=headers)


async def signoff(request: Request) -> Response:
    """The whole preview as one file for a client to sign, with the seal's digest on it; `?save` downloads it."""
    kit.need(request)

    def made() -> str:
        found = _look(request)
        acting = kit.desk(request)
        return sheet.page(found.preview, acting.press.templates, root=acting.site.root, signoff=True)

    html = await kit.work(made)
    headers = {"Content-Security-Policy": _SHEET, "Cache-Control": "no-store"}
    if "save" in request.query_params:
        headers["Content-Disposition"] = f'attachment; filename="{_plain(request.path_params["name"])}-signoff.html"'
    return Response(html, media_type="text/html", headers=headers)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)


def _changes(request: Request, found: Look) -> dict[str, Any] | None:
    """What differs from the last sealed version, channel by channel; None where nothing was sealed."""
    sealed = looks.last_sealed(request, found.preview.release.id)
    if sealed is None:
        return None
    row, before = sealed
    after = {(one.message.channel, one.message.lang): one.message for one in found.preview.rendered}
    rows = []
    for key in dict.fromkeys([*after, *before]):
        old, new = (side[key].words if key in side else "" for side in (before, after))
        kind = "gone" if key not in after else "new" if key not in before else "changed" if old != new else "same"
        lines = compare(old, new) if kind == "changed" else []
        rows.append({"channel": key[0], "lang": key[1], "kind": kind, "lines": lines})
    return {"release": row, "rows": rows, "same_seal": row.seal == found.preview.digest}


def _unreadable(request: Request, error: ReleaseError) -> Response:
    return kit.page(
        request, "release-unreadable.html", status=422, name=request.path_params["name"], problems=error.problems
    )


async def shown(request: Request) -> Response:
    """The preview; a release that cannot be read is a page that leads to the lines to mend."""
    try:
        return await preview(request)
    except ReleaseError as error:
        return _unreadable(request, error)


routes: list[Route] = [
    Route("/r/{name}/preview", shown),
    Route("/r/{name}/preview/frame/{channel}/{lang}", frame),
    Route("/r/{name}/preview/picture/{sha256}", picture),
    Route("/r/{name}/signoff.html", signoff),
]
