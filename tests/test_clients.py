"""What mail programs do not show: every feature is found, the shipped template is clean, no HTML breaks it."""

import csv
import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import clients
from channels.email.clients import CUT_OUT, HARMLESS, LOSSES
from channels.email.used import Feature, used
from distributor.contract import Channel, Kit, Severity
from distributor.release import Correction, Link, Release

REPO = Path(__file__).parent.parent
MakeRelease = Callable[..., Release]
MakeChannel = Callable[..., Channel]
BODY = (
    "# A heading\n\nText with `code`, **bold**, [a link](https://x.example/a) and\\\na break.\n\n> said\n\n- one\n- two\n\n"
    "1. one\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n\n```\nlong code\n```\n\n---\n\n![what](https://x.example/a.png)\n"
)
PIECES = (
    "<", ">", "</", "<!--", "-->", "<![CDATA[", "<?x", "&#0;", "&amp", '"', "'", "=", ";", ":", "{", "}", "(", ")", "/*",
    "<style>", "</style>", "<p style='", "<img src=", "<svg>", "<table>", "<a xmlns:o=x o:b=1>", "<o:p>", "@media", "url(",
    "display:flex", "var(--x", "data:", "background", "\x00", "\ud800", "\ufffe", "\r", "渡輪", "\N{RIGHT-TO-LEFT OVERRIDE}",
)  # fmt: skip


def rows() -> dict[Feature, str]:
    text = (REPO / "channels" / "email" / "clients.csv").read_text(encoding="utf-8")
    lines = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    return {Feature(kind, name): value for kind, name, value in lines if kind != "client"}


def written(feature: Feature) -> str:
    """A mail that uses the feature, as a person would write it."""
    name = feature.name
    match feature.kind:
        case "element":
            return '<meta name="Color-Scheme" content=dark>' if name.startswith("meta ") else f"<p>a<{name.upper()}>b"
        case "attribute":
            return f"<table {name}=x><tr><td>a</table>"
        case "property":
            return f'<p style="color : red; {name if ":" in name else f"{name}:1px"} !important">a</p>'
        case "value":
            return f"<p style='width:{name}'>a</p>"
        case "function":
            return f"<p style='width:{name}(1px, (2px + 3px))'>a</p>"
        case "unit":
            return f"<p style='margin:0 -1.5{name}'>a</p>"
        case "at":
            return f"<style>/* x */ {name} 'a'; {name} {{ p {{ color:red }} }}</style>"
        case "pseudo":
            return f"<style>@media screen {{ p, a:{name} {{ color:red }} }}</style>"
    return (
        "<img src='data:image/png;base64,AA;B=='>" if name == "data:" else f"<img src='https://x.example/a.{name}?b'>"
    )


def of(html: str) -> list[tuple[Severity, str]]:
    found = list(clients.remarks(html))
    assert {code for _, code, _ in found} <= {"client-support"}
    return [(severity, text) for severity, _, text in found]


@pytest.mark.parametrize("feature", rows(), ids=lambda feature: f"{feature.kind}-{feature.name}")
def test_every_feature_is_found(feature: Feature) -> None:
    assert feature in used(written(feature))
    heavy = any(feature in loss.features for loss in LOSSES)
    said = [severity for severity, text in of(written(feature)) if feature.shown in text]
    assert said == ([] if feature in HARMLESS else [Severity.warning if heavy else Severity.note])


def test_what_the_code_names_is_in_the_data() -> None:
    known = rows().keys()
    assert HARMLESS.keys() <= known
    named = {feature for loss in LOSSES for feature in loss.features}
    assert named <= known
    assert not CUT_OUT & known
    assert not named & HARMLESS.keys()


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<p style='display:inline-flex'>", "display:flex: not in Outlook (Windows), GMX, WEB.DE, Orange: boxes"),
        ("<p style='background:red url(a.png)'>", "background-image: not in Outlook (Windows): "),
        ("<table background=a.png>", "background-image: not in "),
        ("<style>p{background-image:url(data:image/svg+xml;utf8,<svg/>)}</style>", "data: images: not in Gmail, "),
        ("<p style='background-image:url(data:image/svg+xml;base64,AA==)'>", "SVG images: not in Gmail, Mail.ru: "),
        ("<div style='--brand:red'>", "var(): not in Gmail, "),
        ("<video src=a.mp4></video>", "<video>: not in Gmail, "),
        ("<form><input><button>a</button></form>", "<button>, <form>, <input>: not in "),
        ("<iframe src=x></iframe>", "<iframe>: mail programs cut it out"),
        (
            "<p style='border-radius:2px;width:50vw'>",
            "border-radius, the unit vw: not in Outlook (Windows), Fastmail, ",
        ),
        ("<picture><source srcset=a.webp><img src=a.png></picture>", "<picture>, the attribute srcset: not in Gmail, "),
    ],
)
def test_sentences(html: str, says: str) -> None:
    assert any(text.startswith(says) for _, text in of(html)), of(html)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "   ",
        "<!-- <video> display:flex -->",
        "<p>display:flex position:absolute &lt;video&gt; var(--x) :hover</p>",
        "<p style='display:block;position:static;float:none;background-image:none;visibility:visible'>",
        "<p style='background:#fff;font-family:\"position:absolute\",serif'>",
        "<!--[if mso]><v:rect><video></v:rect><![endif]-->",
        "<a href='https://x.example/a.svg'>the logo</a><img src='https://x.example/a.png' alt='a.webp'>",
        "<img src='https://x.example/webp'>",
    ],
)
def test_nothing_false(html: str) -> None:
    assert of(html) == []


def test_the_lesser_ones_are_one_sentence() -> None:
    ((severity, text),) = of("<p style='border-radius:1px;box-shadow:0 0 1px;min-width:5px;transition:1s'>")
    assert severity is Severity.note
    assert text.startswith("border-radius, box-shadow, min-width, transition: not in Gmail, ")
    assert text.endswith("; the mail stays readable")
    assert re.search(r" and \d+ others;", text)


@pytest.mark.parametrize("lang", ["en", "ar", "he", "zh-Hant", "ja"])
@pytest.mark.parametrize("tier", ["public", "prebrief"])
def test_the_shipped_template_is_clean(
    make_channel: MakeChannel, make_release: MakeRelease, kit: Kit, sample: Release, lang: str, tier: str
) -> None:
    release = make_release(lang=lang, body=BODY, links=(Link(url="https://x.example/more", title="More"),))
    correction = Correction.model_validate({"version": 1, "class": "C", "text": "a date"})
    for one in (release, sample, release.model_copy(update={"corrects": correction})):
        (message,) = make_channel("email", unsubscribe="out@x.example", tier=tier).render(one, kit)
        assert of(message.html) == []


def test_preview_shows_it(make_channel: MakeChannel, kit: Kit, sample: Release) -> None:
    channel = make_channel("email")
    (message,) = channel.render(sample, kit)
    changed = dataclasses.replace(message, html=message.html.replace("<h1 style=", "<h1 style='display:grid' title="))
    (finding,) = [one for one in channel.check(changed) if one.code == "client-support"]
    assert (finding.severity, finding.channel) == (Severity.warning, "email")
    assert "display:grid: not in Outlook (Windows)" in finding.text


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=60).map("".join))
def test_no_html_breaks_it(html: str) -> None:
    for _, text in of(html):
        assert text.isprintable()


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000,
        "<style>" + "{" * 200_000,
        "<style>" + "a" * 200_000 + "}",
        "<p style='" + "a" * 200_000,
        "<p style='" + "a" * 200_000 + "'>",
        "<p style='" + "a:(" * 70_000 + "'>",
        "<p style='a:" + "url(" * 50_000 + "'>",
        "<p style='a:" + "a-" * 100_000 + "'>",
        "<p style='a:" + "1." * 100_000 + "'>",
        "<p style='" + "/*" * 100_000 + "'>",
        "<img src='" + "." * 200_000 + "'>",
    ],
    ids=lambda html: html[:14],
)
def test_long_nonsense_takes_no_long_time(html: str) -> None:
    started = time.process_time()
    of(html)
    assert time.process_time() - started < 2


def test_a_mail_of_20_kb_costs_less_than_3_ms(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    (message,) = make_channel("email").render(make_release(body="\n\n".join(["A paragraph of words. " * 8] * 80)), kit)
    assert 18_000 < len(message.html) < 30_000
    of(message.html)
    times = []
    for _ in range(20):
        started = time.process_time()
        of(message.html)
        times.append(time.process_time() - started)
    assert min(times) < 0.003


def test_the_data_say_where_and_when_they_are_from() -> None:
    path = REPO / "channels" / "email" / "clients.csv"
    assert path.stat().st_size < 30_000
    head = "".join(line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.startswith("#"))
    assert re.search(r"caniemail\.com .* data of 20\d\d-\d\d-\d\d", head)
    assert "caniemail" in (REPO / "NOTICE").read_text(encoding="utf-8")


def test_the_data_are_condensed_from_the_newest_versions() -> None:
    def feature(slug: str, title: str, **stats: Any) -> dict[str, Any]:
        return {"slug": slug, "title": title, "stats": stats}

    source = {
        "last_update_date": "2031-02-03 04:05:06 +0000",
        "data": [
            feature(
                "css-gap",
                "gap, row-gap",
                outlook={"windows": {"2016": "y", "2019": "n #1"}, "windows-mail": {"1": "n"}},
            ),
            feature("css-x", "x", outlook={"windows-mail": {"1": "n"}}, gmail={"mobile-webmail": {"1": "n"}}),
            feature("css-y", "y property", gmail={"ios": {"1": "n", "2": "a #1"}, "android": {"1": "y"}}),
            feature("html-video", "<video> element", gmail={"ios": {"1": "y", "2": "n"}}, nobody={"ios": {"1": "n"}}),
            feature("css-gap-2", "gap", yahoo={"ios": {"1": "n"}}),
            feature("amp", "AMP", gmail={"ios": {"1": "n"}}),
        ],
    }
    script = [sys.executable, str(REPO / ".ci" / "clients.py")]
    made = subprocess.run(script, input=json.dumps(source), capture_output=True, text=True, check=True).stdout
    assert "data of 2031-02-03" in made
    lines = [line for line in made.splitlines() if not line.startswith(("#", "client,"))]
    assert lines == ["element,video,gmail", "property,gap,outlook-windows yahoo", "property,row-gap,outlook-windows"]
