"""A release as a mail, built once for everybody who reads one language."""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from distributor.contract import Count, Kit, Message, Recipient
from distributor.embargo import zone_of
from distributor.mailbox import Mailbox, ascii_domain
from distributor.release import LanguageVersion, Release

from .block import Block
from .letter import Letter, letter
from .message import Mail
from .slots import Marks
from .wrap import wrap

if TYPE_CHECKING:
    from css_inline import CSSInliner

_NOBODY = Recipient(address="name@outlet.example", name="Press contact")


def build(block: Block, release: Release, text: LanguageVersion, kit: Kit) -> Message:
    """The message with its audience. Raises ConfigError when a template fails, ActionError when a list is missing."""
    marks = Marks.beside(release.model_dump_json())
    one_click = kit.newsroom.url.rstrip("/") + "/unsubscribe/" if block.tokens and not block.absent else ""
    leave = f"mailto:{quote(block.leave.address, safe='@')}?subject=unsubscribe" if block.leave else ""
    made = letter(
        release,
        text,
        kit,
        tier=block.tier,
        after=block.after,
        unsubscribe=marks.of("unsubscribe") if one_click else leave,
        recipient={name: marks.of(name) for name in ("name", "address")},
        embed=block.from_.domain if block.images == "cid" else "",
    )
    mail = _mail(block, release, text, kit, made, marks, leave="" if one_click else leave, one_click=bool(one_click))
    people = block.audience(text.lang, tuple(one.lang for one in block.texts(release)))
    first = people.recipients[0] if people.recipients else _NOBODY
    own = {"name": first.name or first.address, "address": first.address, "unsubscribe": f"{one_click}…"}
    facts = {
        "identity": f"{release.id}/{release.version}/{block.name}/{text.lang}",
        "audience": people.equation,
        "unsubscribe": one_click,
        "mailto": leave,
        **_facts(block),
    }
    shown = marks.filled(mail.html, own, escape)
    return Message(
        channel=block.name,
        type=block.TYPE,
        lang=text.lang,
        content=mail.content(),
        content_type="message/rfc822",
        filename="message.eml",
        title=made.subject,
        text=marks.filled(mail.text, own),
        html=shown,
        headers=(*((name, value) for name, value, _ in mail.lines()), *_own(facts)),
        counts=(_clipped(shown, int(kit.networks[block.TYPE]["clip_bytes"])),),
        dropped=made.dropped,
        media=made.photos,
        hosted=made.hosted,
        recipients=people.recipients,
        meta={name: value for name, value in facts.items() if value},
    )


def _clipped(html: str, most: int) -> Count:
    return Count(used=len(html.encode()), limit=most, unit="bytes of HTML")


def _facts(block: Block) -> dict[str, str]:
    """What is the same for every release, sealed with each."""
    return {
        "sender": block.from_.address,
        "lists": " ".join(block.lists),
        "dkim": "" if block.absent else ", ".join(signer.facts for signer in block.signers),
    }


def _own(facts: dict[str, str]) -> list[tuple[str, str]]:
    """What each mail has for itself besides To and Message-ID, for people."""
    made = []
    if link := facts["unsubscribe"]:
        also = f", <{facts['mailto']}>" if facts["mailto"] else ""
        made = [("List-Unsubscribe", f"<{link}…>{also}"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    return [*made, *(("DKIM-Signature", one) for one in facts["dkim"].split(", ") if one)]


def _mail(
    block: Block,
    release: Release,
    text: LanguageVersion,
    kit: Kit,
    made: Letter,
    marks: Marks,
    *,
    leave: str,
    one_click: bool,
) -> Mail:
    values: dict[str, Any] = {**kit.values(release, text), **made.values, "one_click": one_click}
    return Mail(
        sender=block.from_,
        reply_to=block.replies or _press(release),
        subject=made.subject,
        date=kit.lift.astimezone(zone_of(release.zone)),
        list_id=block.list_id,
        unsubscribe=leave or None,
        feedback=f"{release.id}:{block.name}:press:{block.feedback_id}" if block.feedback_id else None,
        marks=marks,
        photos=made.photos,
        text=tidy(kit.templates.render("email/message.txt", values)),
        html=inlined(kit.templates.render("email/message.html", values)),
    )


def _press(release: Release) -> Mailbox | None:
    """The first press contact that every mail program can write to."""
    for contact in release.media_contacts():
        if contact.email:
            box = Mailbox(address=ascii_domain(contact.email), name=contact.name or contact.org or "")
            if not box.needs_smtputf8:
                return box
    return None


def inlined(html: str) -> str:
    """The page with its style sheet written into the elements, since mail programs drop it; `@media` rules stay. Nothing is
    fetched.
    """
    if "<style" not in html.casefold():
        return html.strip() + "\n"
    return _inliner().inline(html).strip() + "\n"


@cache
def _inliner() -> "CSSInliner":
    from css_inline import CSSInliner

    return CSSInliner(
        keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False, remove_inlined_selectors=False
    )


def tidy(text: str) -> str:
    """The text part: lines of at most 72 columns, at most one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", wrap(text.strip())) + "\n"
