"""Who said what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributor.quotes import find_quotes


@pytest.mark.parametrize(
    ("paragraph", "speaker", "title", "org", "words"),
    [
        ('Albert Fong, CEO of Parks, said, "The talent is here."', "Albert Fong", "CEO", "Parks", "The talent is here."),
        ('"The quiet first," said Helen Au, Chief Executive of Tidewater Ferries. "You can talk."', "Helen Au", "Chief Executive", "Tidewater Ferries", "The quiet first You can talk."),
        ('"Nine decibels," said Dr Samuel Kwok, Director of Marine Acoustics at the Harbour Institute.', "Dr Samuel Kwok", "Director of Marine Acoustics", "Harbour Institute", "Nine decibels"),
        ('"Rocks last," said Rosa Lind, Managing Director of Northern Quarries.', "Rosa Lind", "Managing Director", "Northern Quarries", "Rocks last"),
        ('"It works," said Jo van der Berg, Head of Design, Harbour Board, at the opening.', "Jo van der Berg", "Head of Design", "Harbour Board", "It works"),
        ('"It works," said Harbour Board CEO Jo Berg.', "Jo Berg", "CEO", "Harbour Board", "It works"),
        ("“Curly marks,” Ada Lam said.", "Ada Lam", "", "", "Curly marks"),
        ("“Curly marks,” Ada Lam, Chair of the Harbour Board, said.", "Ada Lam", "Chair", "Harbour Board", "Curly marks"),
        ('Ada Lam said: “A 6" pipe is enough.”', "Ada Lam", "", "", 'A 6" pipe is enough.'),
        ('"In a block"\n— Ada Lam, Chair, Harbour Board', "Ada Lam", "Chair", "Harbour Board", "In a block"),
        ("「很安靜。」潮汐渡輪行政總裁區凱倫說：「大家可以交談。」", "區凱倫", "行政總裁", "潮汐渡輪", "很安靜。 大家可以交談。"),
        ("「差別很大。」維港研究所海洋聲學總監郭文深博士說。", "郭文深博士", "總監", "維港研究所海洋聲學", "差別很大。"),
        ("环球自行车公司首席执行官李明表示：“车很轻。”", "李明", "首席执行官", "环球自行车公司", "车很轻。"),
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
        '"Ferry Mixer" was launched in 2023.',
        'The screen measures 27" and 32".',
        '"',
        "",
        "「維港線」將於三月啟航。",
        '"An open mark that nobody closes',
    ],
)
def test_what_names_no_speaker_is_left_alone(paragraph: str) -> None:
    assert find_quotes([paragraph]) == ()


def test_the_speaker_may_stand_in_the_next_paragraph() -> None:
    quotes = find_quotes(["Before.", '"A whole paragraph."', "— Ada Lam, Chair"])
    assert [(quote.speaker, quote.title, quote.paragraph) for quote in quotes] == [("Ada Lam", "Chair", 1)]


def test_a_quote_runs_over_paragraphs() -> None:
    [quote] = find_quotes(
        ["“First part.", "“Second part,” said Ada Lam, Chair of the Harbour Board.", "The board meets in May."]
    )
    assert quote.text == "First part.\n\nSecond part"
    assert (quote.speaker, quote.title, quote.org, quote.paragraph) == ("Ada Lam", "Chair", "Harbour Board", 0)


def test_a_pronoun_and_a_surname_mean_the_last_speaker() -> None:
    quotes = find_quotes(
        ['"One," said Ada Lam, Chair of the Harbour Board.', '"Two," she added.', 'She said: "Three."', '"Four," Lam said.']
    )  # fmt: skip
    assert [(quote.speaker, quote.title, quote.paragraph) for quote in quotes] == [
        ("Ada Lam", "Chair", number) for number in range(4)
    ]
    assert find_quotes(['"Two," she added.']) == ()  # nobody was named before


_TEXT = st.text(alphabet='ab A"“”「」«»\n—,.said說 ', max_size=80)


@given(st.lists(_TEXT | st.sampled_from(['"Yes," said Ada Lam.', "— Ada Lam", "“Yes."]), max_size=8))
def test_quotes_are_words_of_the_text_in_its_order(paragraphs: list[str]) -> None:
    quotes = find_quotes(paragraphs)
    assert [quote.paragraph for quote in quotes] == sorted({quote.paragraph for quote in quotes})
    whole = "\n".join(paragraphs)
    for quote in quotes:
        assert quote.speaker
        assert quote.speaker in whole
