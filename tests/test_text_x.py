"""X's reading of a text: links, hashtags, mentions, cashtags, and the weighted length."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distributor.text import count, escapes, x


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("This is a test.", 15),
        ("https://ferries.org", 23),
        ("ferries.org", 23),
        ("ferries.org and https://ferries.org/a/very/long/path/that/does/not/matter?at=all#here", 51),
        ("渡輪", 4),
        ("カ゛", 4),
        ("ガ", 2),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("\u10ff\u1100", 3),
        ("\u2018\u2019\u201c\u201d\u2013\u2014", 6),
        ("\u2026\u2022\u2192\u20ac\u2122\u00a9", 12),
        ("\u200b\u2060\u00a0", 4),
        ("👨‍👩‍👧‍👦", 2),
        ("🐦‍🔥❤️‍🔥🧑🏻‍❤️‍🧑🏿", 6),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
        ("1️⃣#️⃣", 4),
        ("1", 1),
        ("🇭🇰🇨🇳🇺🇸", 6),
        ("🇭🇰🇨", 4),
        ("🇭", 2),
        ("🙋🏽☺☺️", 6),
        ("👍️", 4),  # a selector that its emoji does not take
    ],
)
def test_the_weight(text: str, weight: int) -> None:
    assert x.weight(text) == weight


def test_before_version_3_an_emoji_counts_by_its_code_points() -> None:
    assert x.weight("👨‍👩‍👧‍👦", whole_emoji=False) == 11
    assert x.weight("🇭🇰 ferries.org", whole_emoji=False) == 28


def test_the_limit() -> None:
    assert x.is_valid("x" * 280)
    assert not x.is_valid("x" * 281)
    assert x.is_valid("渡" * 140)
    assert not x.is_valid("渡" * 141)
    assert x.is_valid("y" * 256 + " ferries.org")
    assert not x.is_valid("y" * 257 + " ferries.org")
    assert not x.is_valid("")
    assert not x.is_valid("a\ufeffb")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://ferries.org.", ["https://ferries.org"]),
        ("(https://en.example.org/wiki/Ferry_(boat))", ["https://en.example.org/wiki/Ferry_(boat)"]),
        ("ThePost.net.au www.ferries.org/en. U.S. e.g.no", ["ThePost.net.au", "www.ferries.org/en", "e.g.no"]),
        ("node.js and README.md", ["README.md"]),
        ("mail a@b.co or @b.co", []),
        ("#ferries.org $ferries.org", []),
        ("船ferries.org船 例え.jp", ["ferries.org"]),
        ("https://例え.jp/パス", ["https://例え.jp/"]),
        ("xn--r8jz45g.jp", ["xn--r8jz45g.jp"]),
        ("https://ferries.org。請看", ["https://ferries.org"]),
        ("https://ferries.org/a+ https://ferries.org/a- https://ferries.org/a,", ["https://ferries.org/a+", "https://ferries.org/a-", "https://ferries.org/a"]),
        ("https://ferries.org:8080/x?q=1&r=2#s", ["https://ferries.org:8080/x?q=1&r=2#s"]),
        ("http://localhost http://[::1]/ http://no-tld", []),
        ("https://-dash.ferries.org https://dash-.ferries.org", []),
        ("https://sub_domain.ferries.org https://fer_ries.org", ["https://sub_domain.ferries.org"]),
        ("https://t.co/abc…d https://t.co/" + "a" * 41, ["https://t.co/abc"]),
        ("-ferries.org _ferries.org /ferries.org", []),
        ("ferries.comm", []),
        ("https://ferries.org/" + "a" * 4096, []),
    ],
)  # fmt: skip
def test_the_links(text: str, found: list[str]) -> None:
    assert [link.text for link in x.urls(text)] == found
    assert all(text[link.start : link.end] == link.text for link in x.urls(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#Harbour's #I&T #1 #2024 #2024Plan #a-b", ["#Harbour", "#I", "#2024Plan", "#a"]),
        ("#PIER_2024 #PIER#Inno x#no (#paren) #PIER. # ##x", ["#PIER_2024", "#paren", "#PIER", "#x"]),
        ("#️⃣ #café ＃全角 #טכנולוגיה &#nbsp", ["#café", "＃全角", "#טכנולוגיה"]),
        ("https://ferries.org/#top #top://x", []),
        ("香港#創新科技。", []),
        ("香港 #創新科技。", ["#創新科技"]),
        ("#می‌خواهم", ["#می‌خواهم"]),
    ],
)
def test_the_hashtags(text: str, found: list[str]) -> None:
    assert [tag.text for tag in x.hashtags(text)] == found


def test_mentions_and_cashtags() -> None:
    text = "@Google .@ferry_co rt@boats a@b.co @user@host @naïve @list/of-boats"
    assert [one.text for one in x.mentions(text)] == ["@Google", "@ferry_co", "@boats", "@list/of-boats"]
    text = "NASDAQ: $AAPL, $NVDA HK$5 $BRK.B x$T $TOOLONGX"
    assert [one.text for one in x.cashtags(text)] == ["$AAPL", "$NVDA", "$BRK.B"]


@pytest.mark.parametrize("text", ["a." * 3000, "https://" * 800, "a.co/" + "(a" * 2000, "#a" * 3000, "a-" * 3000 + "."])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    x.live(text)
    x.weight(text)
    assert time.process_time() - began < 10  # exponential would be years


PARTS = [
    "a",
    "é",
    "香",
    " ",
    ".",
    "@",
    "#",
    "https://",
    "ferries.org",
    "👍🏽",
    "🇭🇰",
    "\u200d",
    "\ufe0f",
    "$A",
    "/",
    "(",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join))
def test_what_is_found_lies_apart_and_in_the_text(text: str) -> None:
    end = 0
    for found in x.live(text):
        assert end <= found.start < found.end <= len(text)
        assert text[found.start : found.end] == found.text
        end = found.end
    assert 0 <= x.weight(text) <= max(23, 2 * len(text) + 23 * text.count("ferries.org"))


def test_the_other_counts() -> None:
    assert count.utf16("👍🏽é") == 5
    assert count.threads("👍🏽 né") == 8 + 3
    assert count.half_widths("香港 ferry") == 5
    assert count.characters("👍🏽") == 2


ESCAPED = st.text(st.sampled_from("ab \\|{}@[]()<>#*_~`-+.1&;\n"), max_size=60)


@given(ESCAPED)
def test_escapes_come_back_as_they_were(text: str) -> None:
    import html
    import re

    assert re.sub(r"\\(.)", r"\1", escapes.little_text(text)) == text
    assert html.unescape(escapes.telegram(text)) == text or "&" in text
    assert escapes.slack(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text
    assert re.sub(r"\\([\\*_~`|>#\[\]()<.+-])", r"\1", escapes.discord(text)) == text
    assert not re.search(r"(?<!\\)(?:\\\\)*[|{}@\[\]()<>#*_~]", escapes.little_text(text).replace("\n", " "))
