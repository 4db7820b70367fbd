"""The preview pages: everything is shown as words, whatever stands in it; frames run nothing; one seal everywhere."""

import base64
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from lxml import html

from distributor import sheet
from distributor.desk import Desk
from distributor.site import Site
from tests.desks import NAME, NOW, WebDesk
from tests.scheduled import drain, outbox

URL = f"/r/{NAME}"
EVIL = "\"'></textarea><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}]]>"
#: What passes for plain text in a field and would be live if one page forgot to escape it.
SLY = "&lt;script&gt; \"onmouseover=alert(1)\" 'x' <x-y onclick=alert(1)> {{7*7}} javascript:alert(1)"


@pytest.fixture
def desk(tmp_path: Path) -> WebDesk:
    return WebDesk(tmp_path / "site")


def write(desk: WebDesk, text: str) -> None:
    (desk.root / "releases" / f"{NAME}.md").write_text(text)


def dangers(page: str) -> list[str]:
    """Elements and attributes that would run something. A newsroom page has two scripts of its own: facts for search
    engines, which no browser runs, and its newsroom.js.
    """
    root = html.fromstring(page)
    own = re.compile(r"/static/\w+\.js\?v=\w+|data:text/javascript;base64,[\w+/=]+")
    scripts = [script for script in root.iter("script") if script.get("type") != "application/ld+json"]
    found = [f"{script.get('src')} {script.text}" for script in scripts if not own.fullmatch(script.get("src") or "")]
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        found += [f"{element.tag} {name}" for name in element.attrib if name.lower().startswith("on")]
        for name in ("href", "src", "action"):
            if str(element.get(name) or "").strip().lower().startswith(("javascript:", "data:text/html")):
                found.append(f"{element.tag} {name}")
        if "-" in element.tag:
            found.append(element.tag)
    return found


def pages(desk: WebDesk) -> dict[str, str]:
    """Every page that shows the release."""
    client = desk.client()
    found = {}
    for address in (URL, f"{URL}/photos", f"{URL}/preview", f"{URL}/preview?view=text", f"{URL}/preview?view=source"):
        answer = client.get(address)
        assert answer.status_code in (200, 422), address
        found[address] = answer.text
    answer = client.get(f"{URL}/signoff.html")
    if answer.status_code == 200:
        found["signoff"] = re.sub(r'srcdoc="[^"]*"', "", answer.text)
        found |= {f"srcdoc {n}": unescape(one) for n, one in enumerate(re.findall(r'srcdoc="([^"]*)"', answer.text))}
    for address in re.findall(r'<iframe[^>]* src="([^"]+)"', found[f"{URL}/preview"]):
        found[address] = client.get(unescape(address)).text
    return found


@pytest.mark.slow
@pytest.mark.parametrize("payload", [EVIL, SLY])
@pytest.mark.parametrize(
    "field",
    [
        "headline", "subheadline", "short_headline", "slugline", "summary", "byline", "boilerplate", "notes_to_editors", "lang",
        "id", "embargoed_until", "hashtags", "ednote", "embargo_note", "keywords", "genre", "city", "alt", "caption", "credit",
        "rights", "file", "body", "no_such_field",
    ],
)  # fmt: skip
def test_no_field_becomes_markup_on_any_page(desk: WebDesk, field: str, payload: str) -> None:
    path = desk.root / "releases" / f"{NAME}.md"
    quoted = '"' + payload.replace('"', '\\"') + '"'
    source = path.read_text().replace("contacts: [press]", "contacts: [{name: Wan, email: w@x.example}]")
    if field == "body":
        source += f"\n{payload}\n"
    elif re.search(rf"^( *){field}:", source, re.MULTILINE):
        source = re.sub(
            rf"^( *(?:- )?){field}:.*$", lambda m: f"{m[1]}{field}: {quoted}", source, count=1, flags=re.MULTILINE
        )
    elif field in ("alt", "caption", "credit", "rights", "file", "city"):
        source = re.sub(
            rf"^(.*\b){field}:.*$", lambda m: f"{m[1]}{field}: {quoted}", source, count=1, flags=re.MULTILINE
        )
    else:
        source = source.replace("---\n", f"---\n{field}: {quoted}\n", 1)
    path.write_text(source)
    for address, page in pages(desk).items():
        assert dangers(page) == [], address
        assert "49]]" not in page
    form = {
        "text.main": source,
        "seen.main": "",
        "tab": payload,
        "was": payload,
        "headline.main": payload,
        "number": payload,
    }
    answer = desk.client().post(f"{URL}/live", data=form)
    assert dangers(f"<div>{answer.json()['html']}</div>") == []
    conflict = desk.client().post(URL, data={**form, "text.main": source + payload})
    assert conflict.status_code == 409
    assert dangers(conflict.text) == []


@pytest.mark.parametrize("query", ["view", "as", "channel", "of", "at"])
def test_no_address_becomes_markup(desk: WebDesk, query: str) -> None:
    answer = desk.client().get(f"{URL}/preview", params={query: EVIL})
    assert answer.status_code in (200, 422)
    assert dangers(answer.text) == []


def test_a_frame_runs_nothing_and_fetches_nothing_but_pictures(desk: WebDesk) -> None:
    client = desk.client()
    page = client.get(f"{URL}/preview").text
    frames = html.fromstring(page).findall(".//iframe")
    assert len(frames) >= 3
    for frame in frames:
        assert frame.get("sandbox") == ""
        answer = client.get(str(frame.get("src")))
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert policy.startswith("sandbox;")
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    for path in ("frame/email/xx", "frame/nobody/en", "picture/" + "0" * 64):
        assert client.get(f"{URL}/preview/{path}").status_code == 404
    client.cookies.clear()
    assert client.get(str(frames[0].get("src"))).status_code == 303


def test_the_page_shows_every_channel_and_the_seal_that_is_scheduled(desk: WebDesk) -> None:
    client = desk.client()
    page = client.get(f"{URL}/preview").text
    cli = Desk(site=Site(desk.root), clock=desk.clock)
    made = cli.preview(desk.root / "releases" / f"{NAME}.md")
    assert made.digest in page
    assert made.digest in client.get(f"{URL}/signoff.html").text
    for one in made.rendered:
        assert f"<h2>{one.message.channel}</h2>" in page
    assert "Tidewater Ferries &lt;press@tidewater.example&gt;" in page.replace("&#34;", "")
    done = cli.schedule(desk.root / "releases" / f"{NAME}.md")
    assert done.release.seal == made.digest


def test_dark_and_light_are_what_a_reader_s_mail_program_shows(desk: WebDesk) -> None:
    client = desk.client()
    light, dark = (client.get(f"{URL}/preview/frame/email/en?view={view}").text for view in ("light", "dark"))
    assert light != dark
    styles = []
    for view in ("light", "dark"):
        page = client.get(f"{URL}/preview/frame/newsroom/en?view={view}").text
        style = re.findall(r"data:text/css;base64,([\w+/=]+)", page)[0]
        styles.append(base64.b64decode(style).decode())
    assert "(max-width:0)" in styles[0]
    assert "(min-width:0)" in styles[1]
    assert "prefers-color-scheme" not in "".join(styles)
    assert "prefers-color-scheme" not in light + dark
    assert "color-scheme:dark" in dark
    assert "/frame/email/en" in client.get(f"{URL}/preview?view=phone").text
    source = client.get(f"{URL}/preview?view=source").text
    assert "Content-Type: multipart" in source
    assert "&lt;rss" in source
    assert "<iframe" not in source


def test_as_one_recipient_sees_it(desk: WebDesk) -> None:
    page = desk.client().get(f"{URL}/preview", params={"as": "editor@ferryport.example", "view": "source"}).text
    cards = html.fromstring(page).findall(".//article")
    assert len(cards) == 1
    words = cards[0].text_content()
    assert "To: Ferry & Port Review <editor@ferryport.example>" in words
    assert "newsdesk@harbourdaily" not in words
    assert desk.client().get(f"{URL}/preview/frame/email/en?as=editor@ferryport.example").status_code == 200


def test_what_changed_since_the_seal_is_shown_channel_by_channel(desk: WebDesk) -> None:
    client, path = desk.client(), desk.root / "releases" / f"{NAME}.md"
    assert "was sealed" not in client.get(f"{URL}/preview").text
    Desk(site=Site(desk.root), clock=desk.clock).schedule(path)
    assert "nothing changed" in client.get(f"{URL}/preview").text
    path.write_text(path.read_text().replace("four new ferries", "x").replace("Fares stay as they are.", "Fares rise."))
    page = html.fromstring(client.get(f"{URL}/preview").text)
    old = " ".join(one.text_content() for one in page.findall(".//span[@class='old']"))
    new = " ".join(one.text_content() for one in page.findall(".//span[@class='new']"))
    assert "Fares stay as they are." in old
    assert "Fares rise." in new


def test_the_sheet_for_the_client_is_one_file_with_nothing_outside(desk: WebDesk) -> None:
    answer = desk.client().get(f"{URL}/signoff.html?save")
    assert answer.headers["content-disposition"] == f'attachment; filename="{NAME}-signoff.html"'
    assert "script" not in answer.headers["content-security-policy"]
    outside = re.sub(r'srcdoc="[^"]*"', "", answer.text)
    assert "<link" not in outside
    assert not re.search(r'src="(?!data:)', outside)
    assert "Signature" in outside
    cli = Desk(site=Site(desk.root), clock=desk.clock)
    made = cli.preview(desk.root / "releases" / f"{NAME}.md")
    assert "Signature" not in sheet.page(made, cli.press.templates)


def test_another_instant_makes_another_seal_and_one_in_words_is_refused(desk: WebDesk) -> None:
    client = desk.client()
    seals = [
        re.findall(r'class="mono">([0-9a-f]{64})<', client.get(f"{URL}/preview", params={"at": at}).text)[0]
        for at in ("", "2030-03-07 09:00 Asia/Hong_Kong")
    ]
    assert seals[0] != seals[1]
    answer = client.get(f"{URL}/preview", params={"at": "tomorrow"})
    assert answer.status_code == 422


def test_the_same_preview_is_rendered_once_and_anew_when_anything_changed(desk: WebDesk) -> None:
    client = desk.client()
    path = desk.root / "releases" / f"{NAME}.md"

    def token() -> str:
        return str(re.findall(r"of=(\w+)", client.get(f"{URL}/preview").text)[0])

    first = token()
    assert token() == first
    kept = desk.house.kept["looks"]
    made = kept.get(first, NAME).made
    desk.clock.step((NOW - NOW).__class__(seconds=21))
    assert token() == first
    assert kept.get(first, NAME).made > made
    assert kept.get(first, "other") is None
    path.write_text(path.read_text().replace("Fares stay", "Fares remain"))
    second = token()
    assert second != first
    config = desk.root / "config" / "distributor.toml"
    config.write_text(config.read_text().replace('title = "Tidewater', 'title = "New Tidewater'))
    assert token() not in (first, second)


def test_it_says_where_the_release_stands(desk: WebDesk) -> None:
    client, acting = desk.client(), Desk(site=Site(desk.root), clock=desk.clock, who="somebody")
    page = client.get(f"{URL}/preview").text
    assert "nothing of this version has been sent" in page
    assert "/board/" not in page
    acting.schedule(desk.root / "releases" / f"{NAME}.md")
    page = client.get(f"{URL}/preview").text
    assert "scheduled for Tue 5 Mar 2030 09:00 HKT (01:00 UTC)" in page
    assert page.count('href="/board/harbour-line-opening"') == 2
    assert "has been sent" not in page
    desk.clock.step(timedelta(days=3, hours=13, seconds=3))
    client = desk.client()
    desk.house.listing.close()  # its counts may lag a second behind
    drain(acting, lambda ledger: outbox(acting, ledger, desk.clock, []))
    assert "first sent Tue 5 Mar 2030 09:00:03 HKT (01:00:03 UTC)" in client.get(f"{URL}/preview").text
    write(desk, desk.text().replace("version: 1", "version: 2\ncorrects: {version: 1, class: C}"))
    assert "nothing of this version has been sent" in client.get(f"{URL}/preview").text


def test_a_finding_leads_to_its_line_in_its_language(desk: WebDesk) -> None:
    text = re.sub(r"^dateline:\n  city: Hong Kong\n|^    alt: .*\n", "", desk.text(), flags=re.MULTILINE)
    write(desk, text.replace("\nheadline: ", "\nheadline: " + "So long. " * 20))
    chinese = desk.root / "releases" / f"{NAME}.zh-Hant.md"
    chinese.write_text(re.sub(r"^headline: (.*)$", r"headline: \1！", desk.text("zh-Hant"), flags=re.MULTILINE))
    page = desk.client().get(f"{URL}/preview").text
    lines = desk.text().splitlines()
    there = [line.startswith("headline:") for line in desk.text("zh-Hant").splitlines()].index(True) + 1
    assert f'href="{URL}#line-{lines.index("media:") + 2}">media[0].alt</a>: ' in page
    assert f'href="{URL}#line-1">dateline</a>: ' in page
    assert (
        f'<span class="badge">zh-Hant</span> <a class="mono" href="{URL}#line-{there}-zh-Hant">headline</a>: ' in page
    )
    assert not re.search(r'#line-["-]', page)
    own = next(one for one in html.fromstring(page).iter("article") if "over" in html.tostring(one, encoding="unicode"))
    assert own.xpath('.//ul[@class="findings"]//a[starts-with(@href, "/r/")]')
    assert "#line-" not in re.sub(r'srcdoc="[^"]*"', "", desk.client().get(f"{URL}/signoff.html").text)


def test_a_frame_is_opened_by_a_link_and_no_stop_of_the_tab_key(desk: WebDesk) -> None:
    root = html.fromstring(desk.client().get(f"{URL}/preview").text)
    frames = list(root.iter("iframe"))
    assert frames
    for one in frames:
        assert one.get("tabindex") == "-1"
        assert root.xpath("//a[@href=$url]", url=one.get("src"))


def test_an_item_of_a_feed_can_be_read_in_the_dark(desk: WebDesk) -> None:
    client = desk.client()
    url = f"{URL}/preview/frame/rss/en"
    assert re.search(
        r"@media \(min-width:0\)\{body\{background:#1b232c;color:#e4e9ee", client.get(f"{url}?view=dark").text
    )
    assert "@media (max-width:0){body{background:#1b232c" in client.get(url).text


def test_no_path_of_the_machine_is_on_a_preview_or_the_sheet(desk: WebDesk) -> None:
    client = desk.client()
    for page in (client.get(f"{URL}/preview").text, client.get(f"{URL}/signoff.html").text):
        assert "public/harbour-line-opening/index.html" in page
        assert str(desk.root) not in page


def test_the_pages_of_a_release_lead_to_each_other(desk: WebDesk) -> None:
    def found(name: str) -> list[tuple[str | None, str | None]]:
        page = html.fromstring(desk.client(name).get(f"{URL}/preview").text)
        (nav,) = page.xpath('//nav[@aria-label="Release"]')
        return [(one.text, one.get("aria-current")) for one in nav.iter("a")]

    author = [("Edit", None), ("Photos", None), ("Channels", None), ("Preview", "page"), ("Approve", None)]
    assert found("mira") == author
    desk.house.people.add("wan", "approver", lang="en", zone="UTC", now=NOW, password="x" * 24)
    assert found("wan") == [*author, ("Schedule", None)]
