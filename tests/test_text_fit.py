"""The ladder: what goes first, what never goes, and that it always ends below the limit or says so."""

from collections.abc import Callable

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from distributor.text import count
from distributor.text.cutting import cut
from distributor.text.fit import Draft, Fitted, Segments, fit
from distributor.text.segments import Break, Hashtag, Link, Segment, Text, shown

LINK = Link("news.example/ferry", "https://news.example/ferry")
DRAFT = Draft(
    headline="A new ferry line opens across the harbour",
    subheadline="It sails every six minutes",
    summary="Four boats, three piers",
    hashtags=("HarbourLine", "Ferry", "HongKong"),
)
PIECES = st.lists(
    st.sampled_from(
        [
            "word",
            " ",
            "，",
            "。",
            "香港",
            "👨‍👩‍👧‍👦",
            "🇭🇰",
            "e\u0301",
            "https://a.bc/x_y",
            "#Tag",
            "@me",
            "…",
            "กำ",
            "क्ष",
            ": ",
        ]
    ),
    min_size=1,
    max_size=30,
)


def compose(draft: Draft) -> Segments:
    parts: list[Segment] = [Text(draft.headline)]
    for words in (draft.subheadline, draft.summary):
        parts += [Break(), Text(words)] if words else []
    parts += [Break(), LINK]
    for tag in draft.hashtags:
        parts += [Text(" "), Hashtag(tag)]
    return tuple(parts)


def fitted(limit: int, draft: Draft = DRAFT, short: str = "") -> Fitted:
    return fit(draft, short_headline=short, compose=compose, fits=within(limit))


def within(limit: int) -> Callable[[Segments], bool]:
    return lambda segments: count.graphemes(shown(segments)) <= limit


def test_what_fits_is_left_alone() -> None:
    assert fitted(500) == Fitted(segments=compose(DRAFT), hashtags=DRAFT.hashtags)


@pytest.mark.parametrize(
    ("limit", "kept", "omitted"),
    [
        (141, ("HarbourLine", "Ferry", "HongKong"), []),
        (140, ("HarbourLine", "Ferry"), ["#HongKong"]),
        (120, (), ["#HarbourLine", "#Ferry", "#HongKong"]),
        # the sub-headline goes, and two hashtags come back
        (110, ("HarbourLine", "Ferry"), ["#HongKong", DRAFT.subheadline]),
        (83, ("HarbourLine", "Ferry"), ["#HongKong", DRAFT.subheadline, DRAFT.summary]),
    ],
)
def test_the_rungs_in_their_order(limit: int, kept: tuple[str, ...], omitted: list[str]) -> None:
    found = fitted(limit)
    assert found.hashtags == kept
    assert [omission.text for omission in found.omitted] == omitted
    assert all(omission.why for omission in found.omitted)
    assert within(limit)(found.segments)


def test_the_short_headline_takes_the_place_of_the_long_one_before_it_is_cut() -> None:
    found = fitted(32, short="A ferry opens")
    assert shown(found.segments) == "A ferry opens\nnews.example/ferry"
    assert not found.cut
    assert found.omitted[-1].text == DRAFT.headline
    longer = fitted(45, short=DRAFT.headline + " today")
    assert longer.cut
    assert shown(longer.segments).startswith("A new ferry line opens…")


def test_the_headline_is_cut_last_and_the_link_stays() -> None:
    found = fitted(40)
    assert shown(found.segments) == "A new ferry line…\nnews.example/ferry"
    assert found.cut
    assert "A new ferry line…" in found.omitted[-1].why
    hopeless = fitted(5)
    assert LINK in hopeless.segments
    assert not hopeless.cut


def test_a_rung_that_the_template_does_not_show_is_not_reported() -> None:
    def plain(draft: Draft) -> Segments:
        return (Text(draft.headline), Break(), LINK)

    found = fit(DRAFT, short_headline="", compose=plain, fits=within(40))
    assert [omission.text for omission in found.omitted if not omission.text.startswith("#")] == [DRAFT.headline]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("The harbour line, which opens", 18, "The harbour line…"),
        ("潮汐渡輪開辦全電動，維港線每六分鐘一班", 13, "潮汐渡輪開辦全電動…"),  # rather after the stop
        ("潮汐渡輪開辦全電動維港線每六分鐘一班", 10, "潮汐渡輪開辦全電動…"),
        ("Incomprehensibilities", 8, "Incompr…"),
        ("See https://a.bc/long/path now", 24, "See…"),
        ("https://a.bc/x is the page", 16, "https://a.bc/x …"),  # else the … would be part of it
        ("https://a.bc/x-, and more", 18, "https://a.bc/x- …"),
        ("Meet #HarbourLine and more", 15, "Meet…"),
        ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3, "👨‍👩‍👧‍👦👨‍👩‍👧‍👦…"),
        ("https://a.bc/long/path", 9, None),
        ("word", 0, None),
        ("，https://a.bc/long/path", 9, None),  # a mark alone is no headline
    ],
)
def test_where_a_headline_is_cut(text: str, limit: int, expected: str | None) -> None:
    assert cut(text, lambda shorter: count.graphemes(shorter) <= limit) == expected


@given(words=PIECES, limit=st.integers(0, 40))
def test_a_cut_never_goes_through_a_grapheme_a_url_a_tag_or_a_mention(words: list[str], limit: int) -> None:
    text = "".join(words)
    found = cut(text, lambda shorter: count.graphemes(shorter) <= limit)
    if found is None:
        return
    head = found.removesuffix("…").removesuffix(" ")
    assert count.graphemes(found) <= limit
    assert text.startswith(head)
    whole = count.pieces(text)
    assert count.pieces(head) == whole[: len(count.pieces(head))]
    for part in regex.finditer(r"https?://[\x21-\x7e]*[\w/]|[#@][\p{L}\p{M}]+", text):
        assert not part.start() < len(head) < part.end()


@given(
    headline=PIECES.map(lambda parts: "".join(parts).strip(" ，:")).filter(bool),
    subheadline=PIECES.map("".join),
    tags=st.lists(st.sampled_from(["A", "維港線", "LongerTag", "B2"]), unique=True),
    limit=st.integers(25, 120),
)
def test_the_result_fits_or_nothing_could(headline: str, subheadline: str, tags: list[str], limit: int) -> None:
    draft = Draft(headline=headline, subheadline=subheadline, hashtags=tuple(tags))
    found = fitted(limit, draft)
    assert LINK in found.segments
    assert found.hashtags == draft.hashtags[: len(found.hashtags)]
    assert [part.tag for part in found.segments if isinstance(part, Hashtag)] == list(found.hashtags)
    if not within(limit)(found.segments):
        assert found.segments == compose(Draft(headline=headline))
        assert headline.startswith(("https://", "#", "@"))  # nowhere to cut
    assert found == fitted(limit, draft)
