"""Counting as the networks do, and what they make live."""

import pytest

from distributor.text import count, entities

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "graphemes"),
    [
        (FAMILY, 1), ("🐦‍🔥", 1), ("🧑🏻‍❤️‍🧑🏿", 1), ("1️⃣", 1), ("🙋🏽", 1), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 1), ("🇭🇰🇨🇳🇺🇸", 3), ("🇭🇰🇨", 2),
        ("cafe\u0301", 4), ("Z͑ͫ̓", 1), ("กำ", 1), ("नमस्ते", 3), ("क्ष", 1), ("葛󠄀", 1), ("香港", 2), ("شَ", 1), ("", 0),
    ],
)  # fmt: skip
def test_graphemes(text: str, graphemes: int) -> None:
    assert count.graphemes(text) == graphemes


def test_a_family_has_one_grapheme_and_many_bytes() -> None:
    assert (count.graphemes(FAMILY * 121), count.utf8(FAMILY * 121)) == (121, 3025)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("https://news.example.com/" + "a" * 300, 23),
        ("http://a.bc", 23),
        ("a https://a.bc/x.", 26),
        ("https://hkstp.org。請看", 26),
        ("(https://en.wikipedia.org/wiki/Primer_(film))", 25),
        ("https://例え.jp/パス", 23),
        ("https://localhost", 17),  # no host name that the server links
        ("news.example.com", 16),  # no scheme
        ("@user@social.example", 5),
        ("@user", 5),
        ("a@b.co", 6),  # an e-mail address
        ("mail @a@b.co, @c", 11),
        ("#tag", 4),
    ],
)
def test_mastodon_counts_links_and_mentions_by_its_own_rule(text: str, counted: int) -> None:
    assert count.mastodon(text, per_url=23) == counted


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("ThePost.net.au, node.js, U.S., e.g.no", []),
        ("the @Stanford lab, a@b.co", ["@Stanford"]),
        ("#1 of #2024, #2024Plan", ["#2024Plan"]),
        ("#a-b x#no (#paren) ＃全角 #HKSTP. # ##x", ["#a", "#paren", "＃全角", "#HKSTP", "#x"]),
        ("I&T_startups * [2024] <UPWEST LABS> ~250 | 50% {x} \\o/", []),
        ("https://a.bc/#frag and https://x.com/?q=a,b.", ["https://a.bc/#frag", "https://x.com/?q=a,b"]),
        ("https://user:pw@x.com http://[::1]/", []),
        ("javascript:alert(1)", []),
    ],
)
def test_what_mastodon_makes_live(text: str, live: list[str]) -> None:
    found = entities.mastodon(text)
    assert [part.text for part in found] == live
    assert all(text[part.start : part.end] == part.text for part in found)


def test_what_readers_of_bluesky_take_for_live() -> None:
    text = "See https://a.bc/x, #I&T, #1 by @ferry.bsky.social and @Stanford"
    assert [part.text for part in entities.bluesky(text)] == ["https://a.bc/x", "#I&T,", "@ferry.bsky.social"]


@pytest.mark.parametrize(
    "text", ["https://a.b/" + "(" * 9_000, "https://a.bc/" + "(a" * 9_000, "#" * 9_000, "@a." * 9_000, "a" * 9_000]
)
def test_no_text_takes_long(text: str) -> None:
    assert count.mastodon(text, per_url=23) > 0  # the timeout of the suite would tell
    entities.bluesky(text)
