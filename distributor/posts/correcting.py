"""What a correction does to a post that is up: nothing where it reads the same, else an edit or what the config says."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from distributor import words
from distributor.contract import Earlier, Message
from distributor.text.remarks import Remark

OnCorrection = Literal["post", "repost", "nothing"]


def opening(lang: str, issuer: str, folders: Sequence[Path]) -> str:
    """Return how a post begins that corrects another one: `Correction: `, `更正：`, `Rectificatif : `.

    `folders` are the template folders, the site's own first: it may have words for more languages.
    """
    spoken = words.of(lang, issuer, folders)
    word = spoken["correction"].capitalize()
    return f"{word}：" if lang.partition("-")[0] in ("zh", "ja") else f"{word}{spoken['colon']} "


def facts(earlier: Earlier, plain: Message, *, edits: bool, how: OnCorrection) -> dict[str, str]:
    """Return what is sealed of a correction, given the same post without any opening words (`plain`)."""
    old = earlier.message
    same = _base(old) == plain.text and _photos(old) == _photos(plain)
    if edits:
        same = same and old.content == plain.content
    known = {"words": plain.text, "compared": str(earlier.version)}
    stands = old.meta.get("stays") or str(earlier.version)
    if same:
        card = "yes" if _card(old) != _card(plain) else ""
        return {**known, "correction": "unchanged", "stays": stands, "card_changed": card}
    return {**known, "correction": "edit" if edits else how, "stands": stands}


def remarks(meta: Mapping[str, str], *, network: str, deletes: bool) -> Iterator[Remark]:
    """Say what will happen."""
    how = meta.get("correction", "")
    was = f"version {meta.get('stays') or meta.get('stands')}"
    said = {
        "unchanged": f"{was} stays up: its words did not change",
        "post": f"{network} cannot edit {was}: this goes out as a new post beside it, which says that it is a correction",
        "repost": f"{was} is deleted, and this is posted in its place",
        "nothing": f"nothing goes out here: {was} stays up although its words changed (on_correction)",
    }
    if how == "post" and not deletes:
        said["post"] += "; it cannot be taken back there"
    if how in said:
        severity: Literal["note", "warning"] = "note" if how == "unchanged" else "warning"
        yield Remark(severity=severity, code=f"correction-{how}", text=said[how])
    if meta.get("card_changed"):
        text = f"the link's card of {was} keeps the words it has; to correct them, write a text under social"
        yield Remark(severity="warning", code="correction-card", text=text, field="summary")


def _base(message: Message) -> str:
    """The words without an opening that an earlier correction put in front."""
    return message.meta.get("words", message.text)


def _photos(message: Message) -> list[str]:
    return [file.sha256 for file in message.media] if message.meta.get("media") == "photos" else []


def _card(message: Message) -> tuple[str, ...]:
    return tuple(message.meta.get(f"card_{name}", "") for name in ("title", "description"))
