"""Which hashtags each network takes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.text import entities, hashtags, remarks
from distributor.text.hashtags import BLUESKY, MASTODON, Rule, accepted

TAGS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=6)


@pytest.mark.parametrize(
    ("tag", "mastodon", "bluesky"),
    [
        ("HarbourLine", "HarbourLine", "HarbourLine"),
        ("維港線", "維港線", "維港線"),
        ("café", "café", "café"),
        ("HKSTP_2024", "HKSTP_2024", "HKSTP_2024"),
        ("2024Plan", "2024Plan", "2024Plan"),
        ("2024", None, None),
        ("_", None, None),
        ("I&T", "IT", "I&T"),
        ("machine-learning", "machinelearning", "machine-learning"),
        ("HongKong's", "HongKongs", "HongKong's"),
        ("創新科技。", "創新科技", "創新科技"),
        ("می‌خواهم", "می‌خواهم", "میخواهم"),
        ("葛󠄀", "葛󠄀", "葛󠄀"),
        ("🇭🇰Pride", "Pride", "🇭🇰Pride"),
        ("Go👨‍👩‍👧", "Go", "Go"),  # an emoji goes whole or not at all
        ("❤️", None, "❤️"),
        ("two words", "twowords", "twowords"),
    ],
)
def test_each_network_takes_its_own(tag: str, mastodon: str | None, bluesky: str | None) -> None:
    for rule, expected in ((MASTODON, mastodon), (BLUESKY, bluesky)):
        found = accepted([tag], rule)
        assert found.tags == ((expected,) if expected else ())
        assert bool(found.omitted) == (expected != tag)


@given(TAGS)
def test_what_is_accepted_stays_as_it_is_and_is_seen_by_the_server(tags: list[str]) -> None:
    for rule, find in ((MASTODON, entities.mastodon), (BLUESKY, entities.bluesky)):
        kept = accepted(tags, rule).tags
        assert accepted(kept, rule).tags == kept
        assert accepted(kept, rule).omitted == ()
        assert [part.text for part in find(" ".join(f"#{tag}" for tag in kept))] == [f"#{tag}" for tag in kept]


def test_one_of_two_equal_ones_goes_and_the_order_stays() -> None:
    found = accepted(["HKSTP", "b", "hkstp", "HK-STP"], MASTODON)
    assert found.tags == ("HKSTP", "b")
    assert [(o.text, o.why) for o in found.omitted] == [
        ("#hkstp", "it is the same as #HKSTP"),
        ("#HK-STP", "it is the same as #HKSTP"),
    ]


def test_a_tag_is_never_cut_to_length() -> None:
    rule: Rule = replace(BLUESKY, max_graphemes=64, max_bytes=640)
    assert accepted(["x" * 64, "y" * 65], rule).tags == ("x" * 64,)
    assert accepted(["👍🏽" * 64, "👍🏽" * 30], replace(rule, max_bytes=300)).tags == ("👍🏽" * 30,)


def test_advice_for_screen_readers() -> None:
    named = ["siliconvalley", "SiliconValley", "hk", "維港線維港線維港線維港線", "electric2030"]
    assert [remark.text.split()[0] for remark in remarks.tags(named)] == ["#siliconvalley"]
    assert hashtags.is_run_together("научныйпарк")
