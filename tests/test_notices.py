"""What says "embargo" and has none never goes out unasked: in any common language, however it is typed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from distributor import preflight
from distributor.embargo import parse
from distributor.release import Contact, Dateline, Media, Release
from tests import sites
from tests.scheduled import NOW
from tests.test_cli import Cli
from tests.web import Office, csrf

LIFT = datetime(2031, 3, 5, 9, tzinfo=UTC)

Make = Callable[..., Release]
#: Headings and sentences as press offices write them, and whether an embargo can be read for certain.
NOTICES = {
    "en": ["MEDIA EMBARGO: 5 March 2031, 09:00 GMT", "Strictly embargoed", "Not for publication before 5 March", "Lock-up until noon",
           "Hold for release until 6 a.m. ET, March 5, 2031", "For release on 5 March", "NOT TO BE PUBLISHED OR BROADCAST BEFORE Friday",
           "Please do not publish any of this before Friday.", "This press release is under strict embargo.", "We lift the embargo on Friday.",
           "Embargo on this news until Friday", "Trade embargo: 5 March 2031, 09:00 GMT",
           "Not for publication, broadcast or online use before 00:01 GMT on Friday", "Please do not publish before noon",
           "For immediate release on Friday, March 7", "Please don't publish before 5 March 2031", "Hold until further notice",
           "To be published no earlier than 5 March 2031"],
    "de": ["Sperrfrist: 5. März 2031, 10:00 Uhr MEZ", "Nicht vor dem 5. März veröffentlichen", "Frei ab 5. März, 10 Uhr", "Sperrvermerk: Redebeginn",
           "Zur Veröffentlichung ab 05.03.2031, 10:00 Uhr MEZ", "PRESSEEMBARGO bis Freitag", "Freigabe: 5. März 2031, 10 Uhr", "Redaktionssperre bis Freitag"],
    "fr": ["Sous embargo jusqu’au 5 mars 2031", "Sous embargo jusqu'au 5 mars", "Ne pas diffuser avant le 5 mars", "Diffusion interdite avant vendredi"],
    "es": ["Embargado hasta el 5 de marzo", "Bajo embargo hasta el viernes", "Prohibida su difusión hasta el 5 de marzo", "Embargo de la información hasta el 5"],
    "pt": ["Embargado até 5 de março", "Não divulgar antes de 5 de março", "Sob embargo"],
    "it": ["Sotto embargo fino al 5 marzo", "Da non pubblicare prima del 5 marzo"],
    "nl": ["Onder embargo tot 5 maart", "Persembargo", "Niet publiceren vóór 5 maart"],
    "pl": ["Embargo do 5 marca", "Embargo do piątku", "Materiał objęty embargiem", "Nie publikować przed 5 marca"],
    "ru": ["Под эмбарго до 5 марта", "Не публиковать ранее 5 марта"],
    "uk": ["Ембарго до 5 березня", "Не публікувати раніше 5 березня"],
    "ar": ["حظر النشر حتى 5 مارس", "مـحظـور النَّشر حتى ٥ مارس", "غير قابل للنشر قبل الجمعة"],
    "he": ["אמברגו עד 5 במרץ", "לא לפרסום לפני יום שישי"],
    "sv": ["Får ej publiceras före 5 mars", "Pressembargo till fredag"],
    "da": ["Klausuleret til 5. marts", "Må ikke offentliggøres før 5. marts"],
    "no": ["Sperrefrist: 5. mars", "Må ikke publiseres før 5. mars"],
    "fi": ["Julkaisuvapaa 5.3.2031", "Ei saa julkaista ennen perjantaita"],
    "cs": ["Embargo do 5. března", "Embargo do pátku", "Nezveřejňovat před 5. březnem"],
    "sk": ["Nezverejňovať pred 5. marcom"],
    "hu": ["Embargó: március 5.", "Nem közölhető március 5. előtt"],
    "tr": ["5 Mart’a kadar AMBARGOLUDUR", "5 Mart tarihinden önce yayınlanmamalıdır"],
    "el": ["Εμπάργκο έως τις 5 Μαρτίου", "ΥΠΟ ΕΜΠΑΡΓΚΟ"],
    "ro": ["Sub embargo până vineri", "A nu se publica înainte de 5 martie"],
    "bg": ["Ембарго до 5 март", "Да не се публикува преди петък"],
    "sr": ["Под ембаргом до петка", "Pod embargom do petka"],
    "id": ["Jangan disiarkan sebelum Jumat"],
    "vi": ["Không công bố trước ngày 5 tháng 3"],
    "th": ["ห้ามเผยแพร่ก่อนวันศุกร์"],
    "hi": ["एम्बार्गो: शुक्रवार"],
    "fa": ["ممنوعیت انتشار تا جمعه"],
    "ja": ["情報解禁：3月5日10時", "解禁日時：2031年3月5日(水)10時", "エンバーゴ：金曜日", "ｴﾝﾊﾞｰｺﾞ", "3月5日まで報道禁止"],
    "ko": ["보도시점: 2031. 3. 5.(수) 10:00 이후", "엠바고: 금요일", "조간용 3월 5일", "3월 5일까지 보도를 자제해 주시기 바랍니다"],
    "zh-Hant": ["新聞解禁時間：3月5日10時", "發布時間：2031年3月5日 上午10時", "請勿於3月5日前發布", "即禁發", "請於3月5日上午10時後發布", "不得早於3月5日刊登"],
    "zh-Hans": ["发布时间：2031年3月5日 10:00", "请勿于3月5日前发布", "媒体解禁时间：3月5日"],
}  # fmt: skip
#: The same words about the world, and texts that say that there is no embargo.
TOPICS = {
    "en": ["The embargo on Russian oil costs the port 4 million.", "Congress kept the Cuba embargo and the U.S. trade embargo.", "The arms embargo of 1994 ended.",
           "The EU extended its arms embargo until 31 July 2031.", "an oil embargo", "UN sanctions and embargoes", "The Embargo Act of 1807", "Not embargoed", "Do not use before reading the manual.", "An embargo on seal products",
           "For immediate release – no embargo", "Embargo: none", "See https://embargo.example/embargo", "Tickets may not be used before 5 March."],
    "de": ["Das Waffenembargo, das Ölembargo und das Embargo gegen Kuba bleiben.", "Keine Sperrfrist", "Der Hafen darf nicht vor 10 Uhr öffnen."],
    "fr": ["L’embargo pétrolier de 1973 et l’embargo sur les armes", "Sans embargo"],
    "es": ["Sin embargo, el ferry sale a las 10:00.", "El embargo comercial a Cuba y el embargo de bienes por Hacienda",
           "El juez ordenó el embargo de sus cuentas."],
    "pt": ["Os embargos de declaração e o embargo a Cuba"],
    "it": ["L’embargo contro Cuba e sulle armi"],
    "nl": ["Het wapenembargo en het embargo tegen Iran"],
    "pl": ["Embargo na rosyjską ropę", "Embargo dla rosyjskiej ropy"],
    "ru": ["Нефтяное эмбарго и эмбарго на поставки"],
    "ar": ["حظر الأسلحة وحظر التجول"],
    "tr": ["Silah ambargosu sürüyor."],
    "ja": ["鮎釣りが6月1日に解禁された。", "武器の禁輸が続く。", "解禁日時：なし"],
    "ko": ["금수조치가 이어진다."],
    "zh-Hant": ["武器禁運及石油禁運仍然生效。", "限售股下周解禁。"],
    "zh-Hans": ["武器禁运仍然生效。", "限售股下周解禁。"],
}  # fmt: skip


def codes(release: Release, lift: datetime | None = None) -> list[str]:
    """The findings on words of an embargo and datelines."""
    found = preflight.check(release, NOW, lift)
    return [
        one.code for one in found if one.code.startswith(("embargo-", "dateline-f")) and one.code != "embargo-missing"
    ]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(sites.make(tmp_path / "site", sites.box(tmp_path / "site")), capsys)


@pytest.fixture
def open_release(make_release: Make) -> Make:
    """The sample without its embargo."""
    return lambda **changes: make_release(**{"embargoed_until": None, "body": "The piers reopen.", **changes})


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in NOTICES.items() for text in texts])
def test_words_of_an_embargo_stop_a_release_without_one(open_release: Make, lang: str, text: str) -> None:
    assert codes(open_release(body=f"{text}\n\nThe piers reopen.")) == ["embargo-unclear"]
    assert codes(open_release(headline=text)) == ["embargo-unclear"]


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in TOPICS.items() for text in texts])
def test_what_only_looks_like_an_embargo_passes(open_release: Make, lang: str, text: str) -> None:
    assert codes(open_release(body=f"{text}\n\nThe piers reopen.")) == []


@pytest.mark.parametrize(
    "text",
    [
        "**EMBARGO**ED until Friday", "*Embargoed* until Friday", "ＥＭＢＡＲＧＯＥＤ until Friday", "EM\u200bBAR\u00adGOED until Friday",
        "embargoed", "EMBARGOED", "Émbargoed", "Not for\npublication\nbefore Friday", "embar-\ngoed", "E M B A R G O E D until Friday",
        "> EMBARGO", "# Embargo", "Embargo&shy;ed", "under\u00a0embargo", "Not for *publication* before Friday", "| Embargo | Friday |\n| --- | --- |",
        "[Embargo](https://harbour.example)", "Sperr\u00adfrist: Freitag", "SPERRFRIST", "Nicht vor dem 5. Maerz veroeffentlichen: Sperrfrist",
    ],
)  # fmt: skip
def test_however_it_is_typed(open_release: Make, text: str) -> None:
    assert codes(open_release(body=f"The piers reopen.\n\n{text}\n\nThe end.")) == ["embargo-unclear"]


@pytest.mark.parametrize(
    "field",
    ["headline", "subheadline", "short_headline", "slugline", "summary", "byline", "boilerplate", "disclaimer", "notes_to_editors", "ednote",
     "genre", "keywords", "hashtags", "social", "caption", "alt", "credit", "role"],
)  # fmt: skip
def test_in_whatever_field_it_stands(open_release: Make, field: str) -> None:
    said = "Sperrfrist"
    changes: dict[str, object] = {field: said}
    if field in ("keywords", "hashtags"):
        changes = {field: (said,)}
    elif field == "social":
        changes = {"social": {"mastodon": said}}
    elif field in ("caption", "alt", "credit"):
        changes = {
            "media": (
                Media(url="https://harbour.example/pier.jpg", **{"caption": "A pier", "alt": "A pier", field: said}),
            )
        }
    elif field == "role":
        changes = {"contacts": (Contact(role=said, email="press@harbour.example"),)}
    assert codes(open_release(**changes)) == ["embargo-unclear"]


def test_in_every_language_version(open_release: Make, sample: Release) -> None:
    two = open_release().main.model_copy(update={"lang": "de", "summary": "Sperrfrist: Freitag"})
    release = open_release()
    assert codes(release.model_copy(update={"languages": (release.main, two)})) == ["embargo-unclear"]


def test_the_message_offers_the_instant_that_was_read(open_release: Make) -> None:
    for text, right in (
        ("Sperrfrist: 5. März 2031, 10:00 Uhr MEZ", "2031-03-05 10:00 Europe/Berlin"),
        ("Sous embargo jusqu’au 5 mars 2031 à 10h00, heure de Paris", "2031-03-05 10:00 Europe/Paris"),
        ("Под эмбарго до 5 марта 2031 года, 10:00 по московскому времени", "2031-03-05 10:00 Europe/Moscow"),
        ("情報解禁：2031年3月5日 午前10時（日本時間）", "2031-03-05 10:00 Asia/Tokyo"),
        ("حظر النشر حتى ٥ مارس ٢٠٣١ الساعة ١٠:٠٠ بتوقيت الرياض", "2031-03-05 10:00 Asia/Riyadh"),
    ):
        [found] = [one for one in preflight.check(open_release(body=text), NOW) if one.code == "embargo-unclear"]
        assert f"embargoed_until: {right}" in found.text
        assert found.field == "body"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EMBARGO: 5 March 2031, 09:00 GMT", None),
        ("EMBARGO: 5 March 2031, 17:00 HKT", None),  # the same instant in another zone
        ("Sperrfrist: 5. März 2031, 10:00 Uhr MEZ", None),
        ("Embargoed until 09:00 on 5 March", None),  # in the embargo's own zone and year
        ("EMBARGO: 5 March 2031, 10:00 GMT", "embargo-differs"),
        ("EMBARGO: 5 March 2032, 09:00 GMT", "embargo-differs"),
        ("Sperrfrist: 5. März 2031, 09:00 Uhr MEZ", "embargo-differs"),
        ("Sous embargo jusqu’au 6 mars 2031", "embargo-differs"),
        ("EMBARGO\n\n6 March 2031, 09:00 GMT", "embargo-differs"),
        ("Embargoed until the speech begins", "embargo-unread"),
        ("Under embargo", "embargo-unread"),
        ("The oil embargo of 5 March 1974", None),
    ],
)
def test_words_that_differ_from_the_embargo(open_release: Make, text: str, code: str | None) -> None:
    release = open_release(embargoed_until=parse("2031-03-05 09:00 Europe/London"), body=f"{text}\n\nThe piers reopen.")
    assert codes(release) == ([code] if code else [])


@pytest.mark.parametrize(("days", "code"), [(0, []), (1, []), (2, ["dateline-future"]), (400, ["dateline-future"])])
def test_a_dateline_of_a_day_that_has_not_begun(open_release: Make, days: int, code: list[str]) -> None:
    day = (NOW + timedelta(days=days)).date()  # NOW is at noon UTC: tomorrow has begun in Kiritimati
    line = Dateline(city="London", date=day)
    assert codes(open_release(dateline=line)) == code
    assert codes(open_release(dateline=line), NOW + timedelta(days=days)) == []
    body = f"LONDON, {day.day} {day:%B %Y} – The piers reopen."
    assert codes(open_release(dateline=None, body=body)) == code


def test_no_embargo_is_the_authors_answer_and_everybody_sees_it(cli: Cli) -> None:
    body = {"The piers reopen.\n": "The board broke an embargo.\n", "embargoed_until: \n": ""}
    path = sites.release(cli.root, None, **body)
    code, out, _ = cli("check", str(path))
    assert code == 1
    assert "embargo-unclear" in out
    code, _, err = cli("schedule", str(path), "--at", "now")
    assert (code, "speaks of an embargo" in err) == (2, True)
    reason = "it is about a reporter"
    path = sites.release(cli.root, None, **body, **{"summary:": f'no_embargo: "{reason}"\nsummary:'})
    for command in (("check",), ("preview",), ("schedule", "--at", "+1h")):
        code, out, _ = cli(command[0], str(path), *command[1:])
        assert (code, reason in " ".join(out.split())) == (0, True), command
    assert reason in cli("approve", str(path), "--at", "+1h")[1]
    assert reason in cli("status")[1]
    assert json.loads(cli("status", "--json")[1])["releases"][0]["remarks"] == [
        f"no embargo, says the author: {reason}"
    ]
    assert reason in cli("report", "three-piers")[1]


def test_no_embargo_beside_an_embargo_is_a_contradiction(cli: Cli) -> None:
    path = sites.release(cli.root, LIFT, **{"summary:": 'no_embargo: "no"\nsummary:'})
    code, out, _ = cli("check", str(path))
    assert (code, "embargo-contradiction" in out) == (1, True)


def test_desk_and_api_refuse_and_show_the_same(tmp_path: Path) -> None:
    office = Office(tmp_path / "press")
    path = sites.release(office.root / "releases", None, **{"The piers reopen.\n": "Sperrfrist: Freitag.\n"})
    program, browser = office.program("approver"), office.browser("approver")
    answer = program.post("/api/v1/releases/three-piers/schedule", json={"at": "+1h"})
    assert (answer.status_code, "speaks of an embargo" in answer.text) == (422, True)
    assert "speaks of an embargo" in browser.get("/r/piers/schedule?at=%2B1h").text
    page = browser.get("/r/piers").text
    assert "Why words of an embargo in the text are none" in page
    form = {"csrf": csrf(browser), "was": json.dumps({"no_embargo": ""}), "no_embargo": "a quote of 1994"}
    from distributor.web import fields

    changed = fields.applied({"main": path.read_text()}, form)["main"]
    assert "no_embargo: a quote of 1994\n" in changed
    path.write_text(changed)
    for leaf in ("approve", "schedule", "preview"):
        assert "a quote of 1994" in browser.get(f"/r/piers/{leaf}?at=%2B1h").text, leaf
    at = "2030-03-01 14:00 UTC"
    assert program.post("/api/v1/releases/three-piers/schedule", json={"at": at}).status_code == 200
    assert "a quote of 1994" in program.get("/api/v1/releases/three-piers/report").text
    for page in ("/board/three-piers", "/report/three-piers", "/report/three-piers.csv"):
        assert "a quote of 1994" in browser.get(page).text, page


@pytest.mark.parametrize(
    ("text", "lift"),
    [
        ("Sperrfrist: 5. März 2031, 10:00 Uhr MEZ", "2031-03-05 10:00 Europe/Berlin"),
        ("MEDIA EMBARGO: 5 March 2031, 07:00 GMT", "2031-03-05 07:00 UTC"),
        ("This press release is under embargo until 5 March 2031, 07:00 GMT.", "2031-03-05 07:00 UTC"),
        ("Sous embargo jusqu’au 5 mars 2031 à 8h00, heure de Paris", "2031-03-05 08:00 Europe/Paris"),
        ("Sous embargo jusqu’au 5 mars 2031", None),  # no time: a person has to say
        ("보도시점: 2031. 3. 5.(수) 10:00 이후", None),
    ],
)
def test_an_import_reads_the_notice_or_leaves_it_to_a_person(
    cli: Cli, tmp_path: Path, text: str, lift: str | None
) -> None:
    source = tmp_path / "pasted.txt"
    source.write_text(f"{text}\n\nThe piers reopen in spring\n\nThe Harbour Board reopens three piers today.\n")
    _, out, _ = cli("import", str(source), "-o", str(tmp_path / "made.md"))
    made = (tmp_path / "made.md").read_text()
    assert (f"embargoed_until: {lift}\n" in made) == bool(lift)
    assert ("embargo-unclear" in out) == (lift is None)
    assert "headline: The piers reopen in spring\n" in made
