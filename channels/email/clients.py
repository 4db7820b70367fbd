"""What of a mail some mail programs do not show: HTML, CSS and pictures, by the tests of caniemail.com (clients.csv)."""

import csv
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from distributor.contract import Severity

from .used import Feature, used

_NAMED = 6  #: programs that a sentence names before it counts the others


class Loss(NamedTuple):
    """What a reader misses where a feature is not shown, and what to write instead."""

    features: frozenset[Feature]
    why: str


def _loss(kind: str, names: str, why: str) -> Loss:
    return Loss(frozenset(Feature(kind, name) for name in names.split()), why)


#: Without these a mail loses content or falls apart; without any other feature it looks plainer.
LOSSES = (
    _loss("property", "display:flex display:grid", "boxes that stand side by side come one under another; use a table"),
    _loss("property", "position", "what is moved stands in the text, or over it; use a table"),
    _loss("property", "float", "what stands beside the text comes before it; use a table with align"),
    _loss("property", "background-image", "the picture is missing; use <img>, or a background-color that the text can be read on"),
    _loss("property", "visibility", "what is hidden is shown; leave it out"),
    _loss("function", "var", "the whole declaration is dropped; write the value"),
    _loss("element", "video audio object", "there is nothing to play; link to it from a picture"),
    _loss("element", "form input button select textarea", "nothing can be filled in or sent; link to a page that has the form"),
    _loss("element", "svg", "the drawing is missing; use a PNG by its https address"),
    _loss("element", "link", "the style sheet is not loaded; write the styles inline"),
    _loss("element", "map", "the links in the picture are dead; part the picture, or link in the text"),
    _loss("element", "base", "short links lead nowhere; write every address whole"),
    _loss("element", "dialog", "it is cut out or stands in the text; write it as text"),
    _loss("attribute", "hidden", "what is hidden is shown; leave it out"),
    _loss("at", "@import", "the style sheet is not loaded; write the styles inline"),
    _loss("pseudo", "before after", "the added text is missing; write it into the HTML"),
    _loss("image", "data:", "the picture is missing; name it by an https address"),
    _loss("image", "svg webp avif heif heic tif tiff bmp ico mp4", "the picture is missing; use JPEG, PNG or GIF"),
)  # fmt: skip
#: caniemail does not test these: programs cut them out because they could run code or load another page.
CUT_OUT = frozenset(Feature("element", name) for name in ("script", "iframe", "embed", "frame", "applet"))
#: What the shipped template uses on purpose and some programs do not know, so that no mail carries a note about it.
HARMLESS = {
    Feature("property", "max-height"): "the preheader; display:none beside it hides it everywhere",
    Feature("property", "overflow"): "the preheader; display:none beside it hides it everywhere",
    Feature("property", "height"): "height:auto keeps a photo's shape, and a program that drops it does so by itself",
    Feature("property", "white-space"): "lines of code keep their breaks by <pre> alone; only long ones do not wrap",
    Feature("element", "meta color-scheme"): "offers dark colours; without it the mail is as light as it was written",
    Feature("element", "body"): "renamed to <div>; its colour and direction stand again on the table inside",
    Feature("element", "code"): "shown in the font of the text",
    Feature("attribute", "lang"): "chooses a voice and CJK glyphs; the text is the same",
    Feature("attribute", "dir"): "stands on body and table and beside align and text-align, which are kept",
    Feature("attribute", "width"): "stands beside width in CSS, one of which every program knows",
}


@cache
def _data() -> tuple[dict[str, str], dict[Feature, frozenset[str]]]:
    """The programs in the order in which a sentence names them, and for every feature those without it."""
    programs: dict[str, str] = {}
    without: dict[Feature, frozenset[str]] = {}
    with Path(__file__).with_name("clients.csv").open(encoding="utf-8", newline="") as file:
        for kind, name, value in csv.reader(line for line in file if not line.startswith("#")):
            if kind == "client":
                programs[name] = value
            else:
                without[Feature(kind, name)] = frozenset(value.split())
    return programs, without


def remarks(html: str) -> Iterator[tuple[Severity, str, str]]:
    """Severity, code `client-support` and a sentence: a warning for each way to lose content, one note for all the rest.

    Never raises, whatever the HTML is. Source of who shows what: caniemail.com, as of the day at the head of clients.csv.
    """
    _, without = _data()
    found = used(html)
    if cut := found & CUT_OUT:
        text = f"{_features(cut)}: mail programs cut it out; link to a page that has it"
        yield Severity.warning, "client-support", text
    rest = (found & without.keys()) - HARMLESS.keys()
    for loss in LOSSES:
        if lost := rest & loss.features:
            yield Severity.warning, "client-support", f"{_features(lost)}: not in {_programs(lost)}: {loss.why}"
            rest -= lost
    if rest:
        yield (
            Severity.note,
            "client-support",
            f"{_features(rest)}: not in {_programs(rest)}; the mail stays readable",
        )


def _features(features: Iterable[Feature]) -> str:
    return ", ".join(sorted(feature.shown for feature in features))


def _programs(features: Iterable[Feature]) -> str:
    programs, without = _data()
    lacking = frozenset[str]().union(*(without[feature] for feature in features))
    names = [name for key, name in programs.items() if key in lacking]
    more = len(names) - _NAMED
    if more < 2:  # a name is not longer than `and 1 other`
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {more} others"
