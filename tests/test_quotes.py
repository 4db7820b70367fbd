"""Who said what."""

import pytest

from distributor.quotes import find_quotes


@pytest.mark.parametrize(
    ("paragraph", "speaker", "title", "org", "words"),
    [
        ('Albert Fong, CEO of Parks, said, "The talent is here."', "Albert Fong", "CEO", "Parks", "The talent is here."),
        ('"The quiet first," said Helen Au, Chief Executive of Tidewater Ferries. "You can talk."', "Helen Au", "Chief Executive", "Tidewater Ferries", "The quiet first You can talk."),
        ('"Nine decibels," said Dr Samuel Kwok, Director of Marine Acoustics at the Harbour Institute.', "Dr Samuel Kwok", "Director of Marine Acoustics", "Harbour Institute", "Nine decibels"),
        ("“Curly marks,” Ada Lam said.", "Ada Lam", "", "", "Curly marks"),
        ('"In a block"\n— Ada Lam, Chair, Harbour Board', "Ada Lam", "Chair", "Harbour Board", "In a block"),
        ("「很安靜。」潮汐渡輪行政總裁區凱倫說：「大家可以交談。」", "區凱倫", "行政總裁", "潮汐渡輪", "很安靜。 大家可以交談。"),
        ("「差別很大。」維港研究所海洋聲學總監郭文深博士說。", "郭文深博士", "總監", "維港研究所海洋聲學", "差別很大。"),
    ],
)  # fmt: skip
def test_speakers(paragraph: str, speaker: str, title: str, org: str, words: str) -> None:
    [quote] = find_quotes([paragraph])
    assert (quote.speaker, quote.title, quote.org, quote.text) == (speaker, title, org, words)


@pytest.mark.parametrize(
    "paragraph",
    [
        "No quote here, said nobody of note.",
        'He called it "a day".',
        '"HKSTP Mixer" was launched in 2023.',
        "",
        "「維港線」將於三月啟航。",
    ],
)
def test_what_names_no_speaker_is_left_alone(paragraph: str) -> None:
    assert find_quotes([paragraph]) == ()


def test_the_speaker_may_stand_in_the_next_paragraph() -> None:
    quotes = find_quotes(["Before.", '"A whole paragraph."', "— Ada Lam, Chair"])
    assert [(quote.speaker, quote.paragraph) for quote in quotes] == [("Ada Lam", 1)]
