"""The fixed words of a release, its dates, and text from right to left."""

import dataclasses
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from distributor import language_check, words
from distributor.contract import Channel, Kit, Message, Severity
from distributor.errors import ConfigError
from distributor.release import Dateline, Issuer, Release
from distributor.render import Templates
from tests.conftest import SAMPLE

TEMPLATES = Path(__file__).parent.parent / "templates"
SHIPPED = {path.stem: tomllib.loads(path.read_text()) for path in sorted((TEMPLATES / "words").glob("*.toml"))}
#: A variety names only what differs from its language.
VARIETIES = {"pt-PT"}
PUBLIC = [
    *(TEMPLATES / "newsroom").glob("*.*ml"),
    TEMPLATES / "newsroom" / "release.txt",
    TEMPLATES / "rss" / "item.html",
]
PUBLIC += [*(TEMPLATES / "email").iterdir(), *TEMPLATES.glob("*/post.txt")]
HEADLINES = {
    "ja": "テレビ局が新しい船を公開", "ko": "새로운 여객선 공개", "zh-Hans": "新渡轮投入服务", "ar": "الشركة تطلق خطًا جديدًا",
    "fr": "Le musée ouvre la nuit", "de": "Das Museum öffnet nachts", "pl": "Muzeum otwarte w nocy",
}  # fmt: skip
MakeRelease = Callable[..., Release]


def flat(file: dict[str, dict[str, str]]) -> dict[str, str]:
    return {key: text for section in file.values() for key, text in section.items()}


def test_the_languages_that_are_shipped() -> None:
    wanted = {"en", "zh-Hant", "zh-Hans", "ja", "ko", "de", "fr", "es", "pt", "it", "nl", "pl", "ar"}
    assert set(SHIPPED) == wanted | VARIETIES


@pytest.mark.parametrize("lang", SHIPPED)
def test_a_shipped_file_is_whole(lang: str) -> None:
    english, own = flat(SHIPPED["en"]), flat(SHIPPED[lang])
    if lang not in VARIETIES:
        assert set(own) - {"first", "elided"} == set(english)
    for key, text in own.items():
        assert text or key in ("moment", "first"), key
        if key in english and key != "moment":
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key
    for section, keys in SHIPPED[lang].items():
        assert set(keys) <= {*SHIPPED["en"][section], "first", "elided"}, section


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_public_template_says_a_word_of_its_own(path: Path) -> None:
    text = re.sub(
        r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<style>.*?</style>|<!DOCTYPE[^>]*>", " ", path.read_text(), flags=re.DOTALL
    )
    text = re.sub(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|&\w+;", " ", text)
    assert re.findall(r"[^\W\d_]{2,}", text) == []
    said = re.findall(r"(?:aria-label|alt|title|placeholder)=\"([^\"{]*)", path.read_text())
    assert [one for one in said if re.search(r"[^\W\d_]{2,}", one)] == []


def test_what_the_code_puts_into_public_text_comes_from_the_files() -> None:
    for path in (TEMPLATES.parent / "channels").rglob("*.py"):
        assert not re.search(r"EMBARGOED|FOR IMMEDIATE|-ENDS-|Media contact", path.read_text()), path


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "1 February 2027"), ("en-US", "1 February 2027"), ("fr", "1er février 2027"), ("de", "1. Februar 2027"),
        ("de-AT", "1. Februar 2027"), ("es", "1 de febrero de 2027"), ("pt", "1º de fevereiro de 2027"),
        ("pt-PT", "1 de fevereiro de 2027"), ("it", "1º febbraio 2027"), ("nl", "1 februari 2027"), ("pl", "1 lutego 2027"),
        ("ja", "2027年2月1日"), ("ko", "2027년 2월 1일"), ("zh-Hant", "2027年2月1日"), ("zh", "2027年2月1日"),
        ("ar", "1 فبراير 2027"), ("th", "1 กุมภาพันธ์ ค.ศ. 2027"), ("ru", "1 февраля 2027\u202fг."), ("tlh", "2027-02-01"),
    ],
)  # fmt: skip
def test_dates(lang: str, told: str) -> None:
    assert words.day(date(2027, 2, 1), lang) == told
    assert words.day(datetime(2027, 2, 1, 9, tzinfo=UTC), lang) == told


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "EMBARGOED UNTIL Tue 5 Mar 2030 09:00 HKT (01:00 UTC)"),
        ("fr", "SOUS EMBARGO JUSQU’AU mardi 5 mars 2030 à 09:00 HKT (01:00 UTC)"),
        ("de", "SPERRFRIST: Dienstag, 5. März 2030, 09:00 Uhr HKT (01:00 UTC)"),
        ("zh-Hant", "禁發至 2030年3月5日 星期二 09:00 HKT (01:00 UTC)"),
        ("ko", "엠바고: 2030년 3월 5일 화요일 09:00 HKT (01:00 UTC)까지"),
        ("ar", "محظور النشر حتى الثلاثاء، 5 مارس 2030، الساعة 09:00 HKT (\u206601:00 UTC\u2069)"),
    ],
)
def test_embargoes(lang: str, told: str) -> None:
    assert words.embargo(datetime(2030, 3, 5, 1, tzinfo=UTC), "Asia/Hong_Kong", lang) == told


@pytest.mark.parametrize(
    ("lang", "like"),
    [("zh-HK", "zh-Hant"), ("zh-TW", "zh-Hant"), ("zh-Hant-HK", "zh-Hant"), ("zh-SG", "zh-Hans"), ("zh", "zh-Hans"),
     ("pt-BR", "pt"), ("de-AT", "de"), ("en-GB", "en"), ("ar-EG", "ar"), ("fr-CA", "fr"), ("th", "en"), ("sr-Latn", "en")],
)  # fmt: skip
def test_a_variety_speaks_as_its_language(lang: str, like: str) -> None:
    assert words.of(lang)["immediate"] == words.of(like)["immediate"]
    assert words.known(lang) is (lang not in ("th", "sr-Latn"))


def test_a_variety_of_its_own_changes_only_what_differs() -> None:
    assert words.of("pt-PT", "TAP")["contact"] == "Contacto para a imprensa"
    assert words.of("pt-PT", "TAP")["about"] == words.of("pt", "TAP")["about"] == "Sobre TAP"


def test_french_elides() -> None:
    assert words.of("fr", "Orange")["about"] == "À propos d’Orange"
    assert words.of("fr", "Musée")["about"] == "À propos de Musée"


class TestASitesOwn:
    @pytest.fixture
    def folders(self, tmp_path: Path) -> tuple[Path, ...]:
        (tmp_path / "words").mkdir()
        return tmp_path, TEMPLATES

    def test_it_changes_one_word_and_adds_a_language(self, folders: tuple[Path, ...]) -> None:
        (folders[0] / "words" / "fr.toml").write_text('[release]\nends = "###"\n')
        (folders[0] / "words" / "th.toml").write_text('[release]\nimmediate = "เผยแพร่ได้ทันที"\n')
        assert words.of("fr", "A", folders)["ends"] == "###"
        assert words.of("fr", "A", folders)["contact"] == "Contact presse"
        assert words.of("th", "A", folders)["immediate"] == "เผยแพร่ได้ทันที"
        assert words.known("th", folders)
        (folders[0] / "words" / "fr.toml").write_text('[release]\nends = "- fin -"\n')
        assert words.of("fr", "A", folders)["ends"] == "- fin -"  # a running desk needs no restart

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ('[release]\nendz = "x"\n', r"\[release\] endz: there is no word of this name \(did you mean 'ends'"),
            ("[release\n", "fr.toml: cannot be read as TOML"),
            ('ends = "x"\n', "ends: write it under a section"),
            ("[release]\nends = 3\n", r"\[release\] ends: write it in quotes"),
        ],
    )
    def test_a_mistake_names_file_and_word(self, folders: tuple[Path, ...], text: str, told: str) -> None:
        (folders[0] / "words" / "fr.toml").write_text(text)
        with pytest.raises(ConfigError, match=told):
            words.of("fr", "A", folders)


def send(make_release: MakeRelease, make_channel: Any, kit: Kit, lang: str, **changes: Any) -> list[Message]:
    """A release in one language as newsroom, feed and mail say it."""
    issuer = Issuer(name="Acme (Holdings) Ltd.", url="https://acme.example")
    facts = {"lang": lang, "headline": HEADLINES[lang], "dateline": Dateline(city="Paris"), "hashtags": (), **changes}
    facts |= {
        "subheadline": None,
        "summary": "S.",
        "body": "B.",
        "notes_to_editors": "N.",
        "disclaimer": None,
        "boilerplate": "P.",
    }
    release = make_release(**{**facts, **changes}, issuer=issuer)
    made: list[Message] = []
    for name, options in (("newsroom", {}), ("rss", {}), ("email", {"to": ["a@x.example"], "languages": [lang]})):
        channel: Channel = make_channel(name, **options)
        made += channel.render(release, kit)
    return made


@pytest.mark.parametrize("lang", HEADLINES)
def test_nothing_english_is_left(make_release: MakeRelease, make_channel: Any, kit: Kit, lang: str) -> None:
    own, english = words.of(lang, "Acme (Holdings) Ltd."), flat(SHIPPED["en"])
    # What English shares with the language, or what is part of a tag.
    shared = {key for key in english if english[key].casefold() in own[key].casefold()} | {
        "text",
        "tags",
        "photo",
        "photos",
    }
    page, item, mail = send(make_release, make_channel, kit, lang, media=())
    for message in (page, item, mail):
        shown = (
            re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]*>", " ", message.html, flags=re.DOTALL) + message.text
        )
        for key in set(SHIPPED["en"]["release"]) | set(SHIPPED["en"]["mail"]) | set(SHIPPED["en"]["newsroom"]):
            text = english[key].replace("{issuer}", "Acme (Holdings) Ltd.")
            assert key in shared or text not in shown, (message.channel, key)
    assert own["contact"] in page.html
    assert own["about"] in page.text
    assert own["immediate"] in mail.text
    assert own["ends"] in mail.text
    day = words.day(date(2030, 3, 5), lang)
    line = "".join(words.dateline(own, "PARIS", day))
    assert line in re.sub("<[^>]*>", "", page.html)
    assert line in item.html
    assert ("PARIS - " if lang == "zh-Hans" else line) in mail.text


def test_the_form_of_a_french_dateline(make_release: MakeRelease, make_channel: Any, kit: Kit) -> None:
    kit = dataclasses.replace(kit, lift=datetime(2027, 2, 1, 8, tzinfo=UTC))
    dateline = Dateline(city="Paris", date=date(2027, 2, 1))
    page, item, mail = send(make_release, make_channel, kit, "fr", dateline=dateline)
    assert "<p><strong>PARIS</strong>, le 1er février 2027</p>" in page.html
    assert "<p>PARIS, le 1er février 2027</p>" in item.html
    assert "PARIS, le 1er février 2027 - B." in mail.text
    assert "Contact presse\u00a0: " in mail.text


class TestRightToLeft:
    @pytest.fixture
    def made(self, make_release: MakeRelease, make_channel: Any, kit: Kit) -> list[Message]:
        body = "اتصلوا بالرقم +971 4 555 0100 أو زوروا https://acme.example/a-b."
        return send(make_release, make_channel, kit, "ar", body=body)

    def test_pages_and_mails_turn_round(self, made: list[Message]) -> None:
        page, item, mail = made
        assert '<html lang="ar" dir="rtl">' in page.html
        assert item.html.startswith('<div dir="rtl" lang="ar">')
        assert 'dir="rtl"' in mail.html
        assert 'align="right"' in mail.html
        assert "text-align:left" not in mail.html.replace(" ", "")

    def test_what_is_latin_keeps_its_order(self, made: list[Message], sample: Release) -> None:
        page, item, mail = made
        contact = next(iter(sample.media_contacts()))
        assert contact.phone
        assert f'<bdi dir="ltr">{contact.phone}</bdi>' in page.html
        assert f'<bdi dir="ltr">{contact.email}</bdi>' in page.html
        assert "<bdi>Acme (Holdings) Ltd.</bdi>" in page.html
        assert f'<span dir="ltr">{contact.phone}</span>' in mail.html
        for text in (page.text, mail.text):
            assert f"\u2066{contact.phone}\u2069" in " ".join(text.split())
            assert "\u2068Acme (Holdings) Ltd.\u2069" in " ".join(text.split())
        for shown in (page.html, page.text, item.html, mail.html, mail.text):
            assert "\u2066+971 4 555 0100\u2069" in " ".join(shown.split())
            assert "\u2066https" not in shown  # an address by itself is copied and followed as it stands

    def test_what_is_wholly_in_another_language_runs_its_own_way(self, made: list[Message]) -> None:
        page, _, mail = made
        assert "<strong>\u2068PARIS\u2069</strong>، " in page.html
        assert '<p dir="ltr">N.</p>' in page.html
        assert re.search(r'<p dir="ltr"[^>]*>P\.</p>', mail.html)
        assert (
            words.both_ways("<p>أ <b>A</b></p><ul><li>B</li></ul>", "rtl")
            == '<p>أ <b>A</b></p><ul><li dir="ltr">B</li></ul>'
        )

    def test_left_to_right_has_no_mark(self, make_release: MakeRelease, make_channel: Any, kit: Kit) -> None:
        for lang in ("de", "ja"):
            for message in send(make_release, make_channel, kit, lang, body="Call +49 30 555 0100."):
                assert not re.search("[\u2066-\u2069]|<bdi dir", message.html + message.text)

    @pytest.mark.parametrize(
        ("lang", "towards"),
        [("ar", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"), ("ur", "rtl"), ("ckb", "rtl"), ("ps", "rtl"), ("dv", "rtl"),
         ("az-Arab", "rtl"), ("ku-Latn", "ltr"), ("en", "ltr"), ("zh-Hant", "ltr"), ("xx", "ltr")],
    )  # fmt: skip
    def test_directions(self, lang: str, towards: str) -> None:
        assert words.direction(lang) == towards

    def test_odd_text_takes_no_time(self) -> None:
        for slow in (
            "1" * 200_000,
            "1 " * 100_000,
            "<" * 100_000,
            "+1 " * 60_000,
            "<p>" * 60_000,
            "<p>a" * 60_000,
            "<p><b>" * 60_000,
        ):
            assert words.both_ways(slow, "rtl")


class TestFindings:
    def found(self, release: Release) -> dict[tuple[str, str | None], Severity]:
        return {(one.code, one.lang): one.severity for one in language_check.check(release)}

    def version(self, sample: Release, lang: str, headline: str) -> Release:
        other = sample.main.model_copy(update={"lang": lang, "headline": headline})
        return sample.model_copy(update={"languages": (sample.main, other)})

    def test_a_language_without_words_is_told_with_the_file_to_add(self, make_release: MakeRelease) -> None:
        (one,) = language_check.check(make_release(lang="th", headline="พาดหัว หนึ่ง"))
        assert (one.code, one.severity, one.lang) == ("words-missing", Severity.warning, "th")
        assert "templates/words/th.toml" in one.text
        for lang, headline in HEADLINES.items():
            assert self.found(make_release(lang=lang, headline=headline)) == {}

    def test_a_headline_that_nobody_translated(self, sample: Release) -> None:
        headline = sample.main.headline
        assert self.found(self.version(sample, "de", f" {headline.upper()}")) == {
            ("headline-untranslated", "de"): Severity.error
        }
        assert self.found(self.version(sample, "ar", headline)) == {("headline-untranslated", "ar"): Severity.error}
        assert self.found(self.version(sample, "en-GB", headline)) == {}
        assert self.found(self.version(sample, "de", "Die Fähre fährt wieder")) == {}

    @pytest.mark.parametrize(
        ("lang", "headline", "wrong"),
        [
            ("ar", "The ferry sails again", True), ("ja", "The ferry sails again", True), ("zh-Hans", "새로운 여객선 공개", True),
            ("fr", "الشركة تطلق خطًا جديدًا", True), ("de", "渡輪復航", True), ("ko", "渡輪復航", False), ("ja", "渡輪復航", False),
            ("ar", "تطلق Tidewater خط Harbour Line", False), ("ja", "Tidewater、新船を公開", False), ("zh-Hant", "iPhone 17", False),
            ("en", "2030: 5 > 3", False), ("sr", "Трајект поново плови", False), ("xx", "Anything at all goes", False),
        ],
    )  # fmt: skip
    def test_a_headline_in_the_script_of_another_language(
        self, sample: Release, lang: str, headline: str, wrong: bool
    ) -> None:
        release = self.version(sample, lang, headline)
        assert (("headline-language", lang) in self.found(release)) is wrong

    def test_the_sample_has_none(self, sample: Release) -> None:
        assert self.found(sample) == {}
        assert SAMPLE.is_dir()


def test_lists_that_an_earlier_version_sealed_are_still_made(
    make_channel: Any, make_release: MakeRelease, kit: Kit
) -> None:
    from channels.newsroom import lists

    (message,) = make_channel("newsroom").render(make_release(lang="fr", headline=HEADLINES["fr"]), kit)
    older = {key: value for key, value in message.meta.items() if key not in ("say", "home_say")}
    assert lists._say(message.meta)["older"] == lists._say(older)["older"] == "Tous les communiqués par mois"
    assert lists._say(older, "home_say")["older"] == "All releases by month"


def test_the_words_are_read_once_for_many_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    words.of("nl", "A")
    monkeypatch.setattr(tomllib, "loads", lambda _text: pytest.fail("read again"))
    for _ in range(100):
        words.of("nl", "B")
    assert Templates([TEMPLATES]).folders == (TEMPLATES,)
