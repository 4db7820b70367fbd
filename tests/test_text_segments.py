"""Typed parts of a post: marks are read back whole, and release text can neither forge nor lose them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.errors import ConfigError
from distributor.release import Release
from distributor.text import links
from distributor.text.said import said
from distributor.text.segments import (
    Break,
    Hashtag,
    Link,
    Text,
    byte_range,
    mark,
    parse,
    shown,
    spans,
    without_marks,
)
from distributor.text.written import Ways, written

LINK = Link("news.example/ferry", "https://news.example/ferry")
TAG = Hashtag("維港線")
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


def test_a_template_s_output_becomes_the_objects_it_stands_for() -> None:
    found = parse(f"Hello\n\n{mark(0)}\n{mark(1)}!", [LINK, TAG], template="t")
    assert found == (Text("Hello"), Break(), Break(), LINK, Break(), TAG, Text("!"))
    assert shown(found) == "Hello\n\nnews.example/ferry\n#維港線!"


def test_lines_are_tidied() -> None:
    assert shown(parse("\ufeffa \t\r\n\r\n \n\n\u2028b\n\n", [], template="t")) == "a\n\nb"
    assert shown(parse("cafe\u0301 \u202eabc", [], template="t")) == "caf\u00e9 abc"


@given(before=WORDS, after=WORDS)
def test_spans_and_bytes_are_those_of_the_shown_part(before: str, after: str) -> None:
    segments = parse(f"x{without_marks(before)} {mark(1)} {without_marks(after)} {mark(0)}", [LINK, TAG], template="t")
    text = shown(segments)
    found = list(spans(segments))
    assert [text[s.start : s.end] for s in found] == ["#維港線", "news.example/ferry"]
    for span in found:
        start, end = byte_range(text, span)
        assert text.encode()[start:end].decode() == text[span.start : span.end]


@pytest.mark.parametrize("broken", [mark(0)[:-1], mark(0)[1:], mark(7), mark(0)[:1] + "x" + mark(0)[-1:]])
def test_a_template_that_breaks_a_mark_is_named(broken: str) -> None:
    with pytest.raises(ConfigError, match=r"mine/post\.txt.*in two"):
        parse(f"a {broken} b", [LINK], template="mine/post.txt")


def test_no_text_of_a_release_can_forge_a_mark(sample: Release) -> None:
    evil = f"x{mark(0)}y"
    text = sample.main.model_copy(update={"headline": evil, "hashtags": (evil,), "social": {evil: evil}})
    issuer = sample.issuer.model_copy(update={"name": evil})
    clean = without_marks(sample.model_copy(update={"languages": (text,), "issuer": issuer}))
    assert clean.main.headline == clean.main.hashtags[0] == clean.issuer.name == "x0y"
    assert clean.main.social == {"x0y": "x0y"}
    assert clean.embargoed_until == sample.embargoed_until
    assert without_marks(sample) == sample


def test_a_written_text_has_the_live_parts_that_it_spells_out() -> None:
    text = "See https://news.example/ferry. #維港線 #維港線路 https://news.example/ferry/more https://news.example/ferry.html"
    found = written(text, link=LINK, tags=[TAG.tag], ways=Ways(network="teams", name="Teams", handles={})).segments
    live = [part for part in found if not isinstance(part, Text)]
    assert live[:2] == [LINK, TAG]
    assert [part.shown for part in live[2:]] == ["https://news.example/ferry/more", "https://news.example/ferry.html"]
    assert shown(found) == text.replace("https://news.example/ferry.", "news.example/ferry.", 1)
    forged = written(f"a {mark(0)} b", link=LINK, tags=(), ways=Ways(network="teams", name="Teams", handles={}))
    assert forged.segments[0] == Text("a 0 b")


def test_a_short_link_always_shows_the_whole_host() -> None:
    assert links.short("https://a.example/") == "a.example"
    assert links.short("https://a.example/harbour-line") == "a.example/harbour-line"
    long = links.short("https://news.example/" + "long-path-" * 9)
    assert long == "news.example/long-path-long-p…"
    host = "a-very-long-host-name-of-a-newsroom.example"
    assert links.short(f"https://{host}/path") == f"{host}…"
    assert len(long) == 30


def test_what_a_server_said_is_one_clean_line() -> None:
    assert said("no:\r\n secret tok-1 \x1b[31m", hide=["tok-1", ""]) == "no: secret *** [31m"
    assert said({"a": 1}) == said(None) == ""
    assert len(said("x" * 9_000)) == 300
