"""E-mail as it is written: bytes, headers, both parts, and what a config may say."""

import asyncio
import email
import mailbox
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distributor.contract import Channel, Idempotency, Kit, Message, Recipient, Refused, Severity, Unavailable
from distributor.errors import ConfigError
from distributor.release import Contact, Correction, Dateline, Link, Release
from tests.conftest import at

UNSUBSCRIBE = "unsubscribe@tidewater.example"
ATTACK = "\"><script>alert(1)</script><img src=x onerror=alert(2)> {{ 123+123 }} {% raise %} & ' =?utf-8?q?x?="
NAMES = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="<>\"'\ufeff"),
        st.sampled_from("香港 ,;:@()[]\\.=?_-שלוםé👩‍🚀🇭🇰"),
    ),
    max_size=120,
)
MakeRelease = Callable[..., Release]
MakeChannel = Callable[..., Channel]


@pytest.fixture
def full(make_channel: MakeChannel) -> Channel:
    """With every header it can have."""
    return make_channel("email", unsubscribe=UNSUBSCRIBE, list_id="press.tidewater.example")


def only(channel: Channel, release: Release, kit: Kit) -> Message:
    (message,) = channel.render(release, kit)
    return message


def read(wire: bytes) -> EmailMessage:
    """As another program reads it; fails for anything that the standard library calls a defect."""
    parsed = email.message_from_bytes(wire, policy=policy.default)
    for part in parsed.walk():
        assert part.defects == []
        assert [header.defects for header in part.values() if header.defects] == []
    return parsed


def sent(channel: Channel, message: Message) -> EmailMessage:
    return read(channel.compose(message, message.recipients[0]))


def body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


# ── The bytes ──


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_the_sample(
    make_channel: MakeChannel, sample: Release, kit: Kit, golden: Callable[[str, bytes], None], lang: str
) -> None:
    channel = make_channel("email", unsubscribe=UNSUBSCRIBE, list_id="press.tidewater.example", languages=[lang])
    message = only(channel, sample, kit)
    golden(f"email/harbour-line.{lang}.eml", channel.compose(message, message.recipients[2]))
    golden(f"email/harbour-line.{lang}.html", message.html.encode())
    golden(f"email/harbour-line.{lang}.txt", message.text.encode())
    assert list(channel.check(message)) == []


def test_an_advance_copy(
    make_channel: MakeChannel, sample: Release, kit: Kit, golden: Callable[[str, bytes], None]
) -> None:
    channel = make_channel("email", tier="prebrief", after="-1d")
    message = only(channel, sample, at(kit, kit.lift + channel.after))
    golden("email/advance.en.eml", channel.compose(message, message.recipients[0]))


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_another_program_reads_it_without_a_defect(
    make_channel: MakeChannel, sample: Release, kit: Kit, lang: str
) -> None:
    channel = make_channel("email", unsubscribe=UNSUBSCRIBE, list_id="press.tidewater.example", languages=[lang])
    message = only(channel, sample, kit)
    parsed = sent(channel, message)
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert {part.get_content_charset() for part in parsed.iter_parts()} == {"utf-8"}
    assert body(parsed, "plain") == message.text
    assert body(parsed, "html") == message.html
    assert parsed["Date"].datetime == datetime(2030, 3, 5, 1, tzinfo=UTC)
    assert {name: str(parsed[name]) for name, _ in message.headers} == dict(message.headers)
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Reply-To"] == "Mira Chau <press@tidewater.example>"
    assert (message.content_type, message.filename) == ("message/rfc822", "message.eml")


def test_every_line_is_ascii_and_short(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    for lang in ("en", "zh-Hant"):
        channel = make_channel("email", languages=[lang])
        message = only(channel, sample, kit)
        for recipient in message.recipients:
            wire = channel.compose(message, recipient)
            assert wire.isascii()
            assert wire.endswith(b"\r\n")
            assert re.search(rb"(?<!\r)\n|\r(?!\n)", wire) is None
            head, _, rest = wire.partition(b"\r\n\r\n")
            assert max(map(len, rest.split(b"\r\n"))) <= 76
            assert max(map(len, head.split(b"\r\n"))) <= 100


def test_every_recipient_gets_a_copy_of_their_own(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    copies = [read(full.compose(message, recipient)) for recipient in message.recipients]
    names = [copy["To"].addresses[0].display_name for copy in copies]
    assert names == ["Harbour Daily", "Ferry & Port Review", "維港日報"]
    assert len({copy["Message-ID"] for copy in copies}) == 3
    for recipient, copy in zip(message.recipients, copies, strict=True):
        others = {one.address for one in message.recipients} - {recipient.address}
        assert not any(address in copy.as_string() for address in others)


def test_the_bytes_are_the_same_every_time(
    make_channel: MakeChannel, make_release: MakeRelease, sample: Release, kit: Kit
) -> None:
    first, second = make_channel("email"), make_channel("email")
    one, two = only(first, sample, kit), only(second, sample, kit)
    assert first.compose(one, one.recipients[0]) == second.compose(two, two.recipients[0])
    assert first.compose(one, one.recipients[0]) == first.compose(one, one.recipients[0])
    corrected = make_release(version=2, corrects=Correction.model_validate({"version": 1, "class": "C"}))
    again = only(first, corrected, kit)
    assert sent(first, one)["Message-ID"] != sent(first, again)["Message-ID"]


# ── Headers ──


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=NAMES.filter(lambda text: bool(text.strip())))
def test_any_subject_is_read_as_it_was_written(
    make_channel: MakeChannel, make_release: MakeRelease, kit: Kit, words: str
) -> None:
    headline = " ".join(words.split(" ")).strip()
    channel = make_channel("email")
    message = only(channel, make_release(headline=headline, body="x", media=(), boilerplate=None), kit)
    wire = channel.compose(message, message.recipients[0])
    head = wire.partition(b"\r\n\r\n")[0]
    assert str(read(wire)["Subject"]) == headline
    assert max(map(len, head.split(b"\r\n"))) <= 100
    assert all(len(word) <= 75 for word in re.findall(rb"=\?\S+\?=", head))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
def test_any_name_is_read_as_it_was_written(full: Channel, sample: Release, kit: Kit, name: str) -> None:
    tidy = " ".join(name.split())
    wire = full.compose(only(full, sample, kit), Recipient(address="desk@inbox.example", name=tidy))
    assert addressee(wire) == (tidy, "desk@inbox.example")


def addressee(wire: bytes) -> tuple[str, str]:
    """Name and address in To, by the older reader: the newer one leaves a space between two encoded-words of a name."""
    read(wire)
    name, address = parseaddr(email.message_from_bytes(wire)["To"])
    return str(make_header(decode_header(name))) if "=?" in name else name, address


@pytest.mark.parametrize(
    "headline",
    [
        "word " * 60 + "end",
        "x" * 300,
        "香港" * 150,
        "👩‍🚀🇭🇰" * 40,
        "שלום עולם " * 30 + "סוף",
        "=?utf-8?q?not_encoded?=",
        "two  spaces",
        f"a{' ' * 200}b",
        'quotes " and \\ and <angles>, @ ; :',
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_a_nasty_subject(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit, headline: str) -> None:
    channel = make_channel("email")
    message = only(channel, make_release(headline=headline, media=()), kit)
    wire = channel.compose(message, message.recipients[0])
    assert str(read(wire)["Subject"]) == headline == message.title
    lines = wire.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, lines)) <= 100
    assert all(line.strip() for line in lines), "some readers end the header at a line of spaces (RFC 5322 §3.2.2)"


@pytest.mark.parametrize("name", ["X" * 300, "維港" * 100, "Ada, Lam <x@y.example>", 'A "B" C\\', "=?utf-8?q?x?=", ""])
def test_a_nasty_name(full: Channel, sample: Release, kit: Kit, name: str) -> None:
    wire = full.compose(only(full, sample, kit), Recipient(address="desk@inbox.example", name=name))
    assert addressee(wire) == (name, "desk@inbox.example")


def test_a_long_unsubscribe_header_stays_literal(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    address = f"{'u' * 60}@{'.'.join(['d' * 40] * 4)}.example"
    channel = make_channel("email", unsubscribe=address)
    wire = channel.compose(only(channel, sample, kit), Recipient(address="a@b.example"))
    assert f"\r\nList-Unsubscribe: <mailto:{address}?subject=unsubscribe>\r\n".encode() in wire
    assert read(wire)["List-Unsubscribe"] == f"<mailto:{address}?subject=unsubscribe>"


@pytest.mark.parametrize(
    "bad", ["\r\nBcc: all@x.example", "\n", "\r", "\0", "\x1b", "\x85", "\u2028", "\u2029", "\udc80"]
)
def test_a_line_break_never_reaches_a_header(
    full: Channel, make_release: MakeRelease, sample: Release, kit: Kit, bad: str
) -> None:
    with pytest.raises(ValueError, match=r"control character|surrogates"):
        full.render(make_release(headline=f"One{bad}two"), kit)
    message = only(full, sample, kit)
    for recipient in (Recipient(address="a@b.example", name=f"A{bad}B"), Recipient(address=f"a@b.example{bad}")):
        with pytest.raises(ValueError, match="control character"):
            full.compose(message, recipient)
        with pytest.raises(Refused, match="control character"):
            asyncio.run(full.deliver(message, recipient, "key"))
    for key in ("sender", "to", "reply_to", "unsubscribe"):
        with pytest.raises(ConfigError, match=rf"\[channels.email\] {key}"):
            type(full)(**{**fields(full), key: _as(key, f"Ada{bad}Lam <ada@lam.example>")})


@pytest.mark.parametrize("address", ["a@b.example> <c@d.example", "a@b.example SIZE=1", "<a@b.example>"])
def test_an_address_is_one_address(full: Channel, sample: Release, kit: Kit, address: str) -> None:
    with pytest.raises(ValueError, match="more than an address"):
        full.compose(only(full, sample, kit), Recipient(address=address))


def _as(key: str, text: str) -> Any:
    return (text,) if key == "to" else text


def fields(channel: Channel) -> dict[str, Any]:
    return {"name": channel.name, "places": channel.places, "sender": "A <a@b.example>", "to": ("c@d.example",)}


# ── The words ──


def test_an_advance_copy_says_so_first_everywhere(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    banner = "EMBARGOED UNTIL Tue 5 Mar 2030 09:00 HKT (01:00 UTC)"
    channel = make_channel("email", tier="prebrief", after="-1d")
    message = only(channel, sample, at(kit, kit.lift + channel.after))
    assert message.title.startswith(banner)
    assert message.text.startswith(banner)
    assert Shown(message.html).text.startswith(banner)
    assert "FOR IMMEDIATE RELEASE" not in message.text
    assert sent(channel, message)["Date"].datetime == datetime(2030, 3, 4, 1, tzinfo=UTC)
    assert "HONG KONG - 5 March 2030" in message.text
    assert "newsroom.tidewater.example" not in message.html + message.text
    assert [dropped.text for dropped in message.dropped] == ["harbour-line-ferry.jpg"]


def test_an_advance_copy_without_an_embargo_names_the_planned_instant(
    make_channel: MakeChannel, make_release: MakeRelease, kit: Kit
) -> None:
    channel = make_channel("email", tier="prebrief", after="-2h")
    message = only(channel, make_release(embargoed_until=None, headline="News"), at(kit, kit.lift + channel.after))
    assert message.title == "EMBARGOED UNTIL Tue 5 Mar 2030 01:00 UTC: News"


def test_a_copy_at_the_lift_is_for_immediate_release(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    assert message.text.startswith("FOR IMMEDIATE RELEASE\n\nTidewater Ferries opens")
    assert "EMBARGOED" not in message.text + message.html


def test_a_correction_says_what_was_wrong(full: Channel, make_release: MakeRelease, kit: Kit) -> None:
    wrong = Correction.model_validate({"version": 1, "class": "A", "text": "The fleet has 31 vessels, not <13>."})
    message = only(full, make_release(version=2, corrects=wrong, headline="News"), kit)
    assert message.title == "CORRECTION: News"
    assert "\n\n[CORRECTION: The fleet has 31 vessels, not <13>.]\n\n" in message.text
    assert "CORRECTION: The fleet has 31 vessels, not <13>." in Shown(message.html).text


def test_the_order_of_a_wire_copy(full: Channel, make_release: MakeRelease, kit: Kit) -> None:
    release = make_release(links=(Link(url="https://x.example/a", title="The plan"), Link(url="https://x.example/b")))
    text = only(full, release, kit).text
    expected = [
        "FOR IMMEDIATE RELEASE", "Tidewater Ferries opens", "Four battery vessels", "HONG KONG - 5 March 2030 - Tide",
        "(https://www.tidewater.example/harbour-line).", "The plan (https://x.example/a)\nhttps://x.example/b\n",
        "Photo: The battery ferry", "https://newsroom.tidewater.example/media/", "#HarbourLine #ElectricFerry",
        "The issuer is solely", "About Tidewater Ferries", "Media contact: Mira Chau", "-ENDS-", "Notes to editors: ",
        f"Unsubscribe: mailto:{UNSUBSCRIBE}",
    ]  # fmt: skip
    places = [text.find(part) for part in expected]
    assert -1 not in places
    assert places == sorted(places)
    assert "\n\n\n" not in text


@pytest.mark.parametrize(
    ("body", "opening"), [("## First\n\nThen.", "X - 1 May 2030\n\nFirst\n\nThen."), ("- a", "X - 1 May 2030\n\n- a")]
)
def test_a_body_that_begins_with_a_heading_or_list(
    full: Channel, make_release: MakeRelease, kit: Kit, body: str, opening: str
) -> None:
    dateline = Dateline.model_validate({"city": "x", "date": "2030-05-01"})
    message = only(full, make_release(body=body, dateline=dateline, media=()), kit)
    assert f"\n\n{opening}\n\n" in message.text
    assert " ".join(opening.replace("- a", "a").split()) in Shown(message.html).text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("ab 香港，。「」é👩‍🚀🇭🇰 "), max_size=400))
def test_lines_are_at_most_72_columns_and_lose_nothing(
    full: Channel, make_release: MakeRelease, kit: Kit, text: str
) -> None:
    clean = "x" + " ".join(text.split())
    message = only(full, make_release(disclaimer=clean, media=()), kit)
    shown = message.text
    assert re.sub(r"\s", "", clean) in re.sub(r"\s", "", shown)
    for line in shown.splitlines():
        assert len(line) <= 72
        assert sum(2 if c in "香港，。「」" else 1 for c in line if c not in "👩🚀\u200d🇭🇰") <= 72 or " " not in line
        assert not line.startswith(("，", "。", "」"))


def test_a_mark_neither_begins_nor_ends_a_line_on_the_wrong_side(
    full: Channel, make_release: MakeRelease, kit: Kit
) -> None:
    text = only(full, make_release(disclaimer=f"{'港' * 36}。{'港' * 33}「{'港' * 9}", media=()), kit).text
    assert f"\n{'港' * 35}\n港。{'港' * 33}\n「{'港' * 9}\n" in text


def test_a_long_word_is_never_broken(full: Channel, make_release: MakeRelease, kit: Kit) -> None:
    url = f"https://x.example/{'y' * 2000}"
    message = only(full, make_release(body=f"- see {url} for it", media=()), kit)
    assert f"- see\n  {url}\n  for it\n" in message.text
    assert body(sent(full, message), "plain") == message.text


@pytest.mark.parametrize(
    "line", [".", "..", ".hidden", "From me to you", ">From me", "x" * 2000, "trailing ", "=3D", "--=_0", "a\tb"]
)
def test_a_nasty_line_is_read_as_it_was_written(full: Channel, make_release: MakeRelease, kit: Kit, line: str) -> None:
    message = only(full, make_release(body=f"```\n{line}\nand\n{line}\n```", media=()), kit)
    parsed = sent(full, message)
    assert f"{line.rstrip()}\nand\n{line.rstrip()}\n" in message.text
    assert (body(parsed, "plain"), body(parsed, "html")) == (message.text, message.html)
    assert b"\nFrom " not in full.compose(message, message.recipients[0])


# ── HTML ──


class Shown(HTMLParser):
    """What a mail program shows, and the elements it needs for that."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self._hidden = 0
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._hidden += tag in ("title", "div")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("title", "div")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_markup_in_any_field_stays_text(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    channel = make_channel("email", unsubscribe=UNSUBSCRIBE)
    plain = make_release(body="x", links=(Link(url="https://x.example", title="t"),), embargo_note="n")
    media = plain.main.media[0]
    attacked = plain.model_copy(
        update={
            "issuer": plain.issuer.model_copy(update={"name": ATTACK}),
            "contacts": (Contact.model_construct(name=ATTACK, role=ATTACK, org=ATTACK, phone="+852", email="a@b.example"),),
            "languages": (
                plain.main.model_copy(
                    update={
                        **dict.fromkeys(
                            ("headline", "subheadline", "summary", "boilerplate", "disclaimer", "notes_to_editors"), ATTACK
                        ),
                        "body": f"{ATTACK} [x](javascript:alert(3)) ![{ATTACK}](data:x)",
                        "hashtags": (ATTACK,),
                        "links": (Link.model_construct(url='https://x.example/"><script>', title=ATTACK),),
                        "media": (media.model_copy(update={"caption": ATTACK, "alt": ATTACK, "credit": ATTACK}),),
                        "dateline": Dateline.model_construct(city=ATTACK),
                    }
                ),
            ),
        }
    )  # fmt: skip
    usual, made = Shown(only(channel, plain, kit).html), Shown(only(channel, attacked, kit).html)
    assert {tag for tag, _ in made.elements} <= {tag for tag, _ in usual.elements}
    attributes = {name for _, own in made.elements for name in own}
    assert attributes <= {name for _, own in usual.elements for name in own}
    assert all(str(own.get("href", "https:")).startswith(("https:", "mailto:", "tel:")) for _, own in made.elements)
    assert "{{ 123+123 }}" in made.text
    assert "246" not in made.text


def test_the_html_is_what_mail_programs_show(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    shown = Shown(message.html)
    tags = [tag for tag, _ in shown.elements]
    assert not {"script", "style", "link", "form", "svg", "video", "iframe"} & set(tags)
    assert all(table["role"] == "presentation" for table in shown.all("table"))
    (image,) = shown.all("img")
    assert str(image["src"]).startswith("https://newsroom.tidewater.example/media/")
    assert str(image["alt"]).startswith("A white and teal ferry")
    assert (image["width"], "display: block" in str(image["style"])) == ("552", True)
    assert "url(" not in message.html
    assert "data:" not in message.html
    assert not re.search(r"#(fff|000)\b|#(f{6}|0{6})\b|display:(flex|grid)|position:", message.html)
    assert (tags.count("h1"), tags[tags.index("body") + 1]) == (1, "div")
    (hidden,) = re.findall(r"<div class=\"preheader\" style=\"display: none[^>]*>([^<]*)</div>", message.html)
    preheader = unescape(hidden)
    assert len(preheader) <= 90
    assert sample.main.summary
    assert sample.main.summary.startswith(preheader.removesuffix("…"))
    hrefs = [str(link["href"]) for link in shown.all("a")]
    assert f"mailto:{UNSUBSCRIBE}?subject=unsubscribe" in hrefs
    assert "https://newsroom.tidewater.example/harbour-line-opening" in hrefs
    assert all("style" in own for tag, own in shown.elements if tag in ("p", "h1", "h2", "ul", "li", "a", "img"))
    (count,) = message.counts
    assert (count.used, count.limit, count.unit) == (len(message.html.encode()), 100_000, "bytes of HTML")


@pytest.mark.parametrize(
    ("lang", "direction"), [("ar", "rtl"), ("he", "rtl"), ("ur", "rtl"), ("en", "ltr"), ("fr", "ltr")]
)
def test_direction(full: Channel, sample: Release, kit: Kit, lang: str, direction: str) -> None:
    text = sample.main.model_copy(update={"lang": lang})
    shown = Shown(only(full, sample.model_copy(update={"languages": (text,)}), kit).html)
    (page,) = shown.all("html")
    assert (page["lang"], page["dir"]) == (lang, direction)


def test_the_body_keeps_its_tables_and_gets_styles(full: Channel, make_release: MakeRelease, kit: Kit) -> None:
    table = "| a | b |\n|:--|--:|\n| 1 < 2 | `<p>` |\n\n1. one\n\n> said\n\n![what](https://x.example/a.png)"
    shown = Shown(only(full, make_release(body=table, media=()), kit).html)
    assert [str(cell["style"]).rpartition(";")[2] for cell in shown.all("td")][-2:] == [
        "text-align: left",
        "text-align: right",
    ]
    assert all(own.get("style") for tag, own in shown.elements if tag in ("ol", "blockquote", "img", "th"))
    assert "1 < 2" in shown.text
    assert "<p>" in shown.text


# ── The config ──


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("sender", "Ada", "'Ada' is not an e-mail address"),
        ("sender", "Ada <ada@lam.example", "is not an e-mail address"),
        ("sender", "Ada <a@b.example>\r\nRCPT TO:<x@y.example>", "control character U+000D"),
        ("sender", "Äda <äda@lam.example>", "cannot be answered by every server"),
        ("to", ["a@b.example", "A <A@B.example>"], "to, entry 2: A@b.example is there twice"),
        ("to", ["a@b.example", f"{'x' * 65}@b.example"], "to, entry 2"),
        ("to", ["a@b>\r\nRCPT TO:<x@y.example"], "to, entry 1"),
        ("to", ["a@b.example, c@d.example"], "to, entry 1"),
        ("to", ["A <a@b.example> <c@d.example>"], "to, entry 1"),
        ("feedback_id", "abc", "5 to 15"),
        ("bounces", "bounce@b.example", "needs mail_key"),
        ("dkim_selector", "press", "go together"),
        ("list_id", "press list", "no list name"),
        ("list_id", "press.example>\r\nX: y", "no list name"),
        ("unsubscribe", "nobody", "unsubscribe: 'nobody' is not"),
        ("smtp", "mail.example:587", "is not a mail server"),
        ("smtp", "https://mail.example", "is not a mail server"),
        ("smtp", "smtp://mail.example:99999", "is not a URL"),
        ("smtp", "smtp://mail.example/path", "is not a mail server"),
    ],
)  # fmt: skip
def test_a_config_that_cannot_work(make_channel: MakeChannel, key: str, value: Any, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_channel("email", **{key: value})
    assert says in str(caught.value)
    assert f"[channels.email] {key}" in str(caught.value)


@pytest.mark.parametrize("url", ["smtp://desk:hunter2@mail.example", "smtps://:hunter2@mail.example:465"])
def test_a_password_in_the_url_is_refused_and_not_repeated(make_channel: MakeChannel, url: str) -> None:
    with pytest.raises(ConfigError, match="holds a password") as caught:
        make_channel("email", smtp=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "changes", "says"),
    [
        ("smtp://mail.example", {"tls": "none"}, "on this machine only"),
        ("smtps://localhost", {"tls": "none"}, "contradicts"),
        ("smtp://mail.example", {"password": {"env": "X"}}, "names no user"),
    ],
)
def test_a_server_that_would_be_unsafe(make_channel: MakeChannel, url: str, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_channel("email", smtp=url, **changes)


@pytest.mark.parametrize(
    ("url", "tls", "place"),
    [
        ("smtp://mail.example", None, "smtp://mail.example:587"),
        ("smtps://mail.example", None, "smtps://mail.example:465"),
        ("smtp://mail.example", "tls", "smtps://mail.example:465"),
        ("smtp://desk%40b.example@127.0.0.1:2525", "none", "smtp://127.0.0.1:2525"),
        ("smtp://[::1]:25", "none", "smtp://::1:25"),
    ],
)
def test_a_server(make_channel: MakeChannel, url: str, tls: str | None, place: str) -> None:
    channel = make_channel("email", smtp=url, tls=tls)
    assert (channel.destination.live, channel.destination.place) == (True, place)
    assert channel.capabilities.idempotency is Idempotency.D


def test_what_is_missing_to_log_in(make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = make_channel("email", smtp="smtp://desk@mail.example", password={"env": "MAIL_PW"})
    monkeypatch.delenv("MAIL_PW", raising=False)
    assert channel.destination.missing == ("environment variable MAIL_PW",)
    monkeypatch.setenv("MAIL_PW", "hunter2")
    assert not channel.destination.missing
    assert make_channel("email", smtp="smtp://desk@mail.example").destination.missing
    assert "hunter2" not in f"{channel!r}{channel.destination!r}"


def test_a_domain_in_its_own_script_is_written_in_ascii(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    channel = make_channel("email", to=["Büro <Presse@Bücher.example>", "新聞@victoria-daily.example"])
    message = only(channel, sample, kit)
    assert [one.address for one in message.recipients] == [
        "Presse@xn--bcher-kva.example",
        "新聞@victoria-daily.example",
    ]
    assert b" <Presse@xn--bcher-kva.example>\r\n" in channel.compose(message, message.recipients[0])
    assert "To: <新聞@victoria-daily.example>\r\n".encode() in channel.compose(message, message.recipients[1])
    assert [finding.code for finding in channel.check(message)] == ["address-utf8"]


def test_it_carries_the_languages_of_its_block(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    assert only(make_channel("email"), sample, kit).lang == "en"
    assert only(make_channel("email", languages=["zh-Hant"]), sample, kit).lang == "zh-Hant"
    assert make_channel("email", languages=["fr"]).render(sample, kit) == []
    en, zh = make_channel("email", languages=["en", "zh-Hant"]).render(sample, kit)
    assert (len(en.recipients), len(zh.recipients)) == (3, 0)  # who names no language reads the first


# ── Findings ──


def codes(channel: Channel, release: Release, kit: Kit) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in channel.check(only(channel, release, kit))}


def test_findings(make_channel: MakeChannel, make_release: MakeRelease, sample: Release, kit: Kit) -> None:
    full = make_channel("email")
    photo = sample.main.media[0].model_copy(update={"alt": None})
    many = [f"a{number}@b.example" for number in range(21)]
    error, warning = Severity.error, Severity.warning
    assert codes(make_channel("email", to=[]), sample, kit) == {"recipients-missing": error}
    assert codes(full, make_release(media=(photo,)), kit) == {"image-alt-missing": error}
    assert codes(full, make_release(body="![](https://x.example/a.png)"), kit) == {"image-alt-missing": error}
    assert codes(full, make_release(headline="x" * 151), kit) == {"subject-long": warning}
    assert codes(full, make_release(headline="x" * 150), kit) == {}
    assert codes(full, make_release(body="word " * 21_000), kit) == {"html-clipped": warning}
    assert codes(full, make_release(contacts=()), kit) == {"reply-to-missing": warning}
    assert codes(make_channel("email", reply_to="a@b.example"), make_release(contacts=()), kit) == {}
    assert codes(make_channel("email", to=many), sample, kit) == {"unsubscribe-missing": warning}
    assert codes(make_channel("email", to=many[1:]), sample, kit) == {}
    assert codes(make_channel("email", to=many, unsubscribe=UNSUBSCRIBE), sample, kit) == {}


# ── The Maildir ──


def test_without_a_server_the_sealed_bytes_lie_in_a_maildir(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    assert (full.destination.live, full.capabilities.idempotency) == (False, Idempotency.A)
    receipts = [asyncio.run(full.deliver(message, one, f"key{n}")) for n, one in enumerate(message.recipients)]
    folder = Path(full.destination.place)
    assert sorted(path.name for path in folder.iterdir()) == ["cur", "new", "tmp"]
    for receipt, recipient in zip(receipts, message.recipients, strict=True):
        assert full.read_back(receipt) == Path(receipt.id).read_bytes() == full.compose(message, recipient)
    opened = mailbox.Maildir(folder, create=False)
    assert sorted(opened.keys()) == ["key0", "key1", "key2"]
    assert {parseaddr(one["To"])[1] for one in opened} == {one.address for one in message.recipients}
    opened.close()


def test_the_same_key_is_the_same_mail_even_when_it_was_read(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    first = asyncio.run(full.deliver(message, message.recipients[0], "key"))
    assert asyncio.run(full.deliver(message, message.recipients[0], "key")) == first
    new = Path(first.id)
    read_mail = new.parent.parent / "cur" / "key:2,S"
    new.rename(read_mail)
    again = asyncio.run(full.deliver(message, message.recipients[0], "key"))
    assert again.id == str(read_mail)
    assert list(new.parent.iterdir()) == []
    assert full.read_back(first) == full.read_back(again) == full.compose(message, message.recipients[0])


@pytest.mark.parametrize("key", ["../../x", "/etc/x", "", ".", "a:2,S", "*"])
def test_a_key_never_leaves_the_folder(full: Channel, sample: Release, kit: Kit, key: str) -> None:
    message = only(full, sample, kit)
    with pytest.raises(Refused):
        asyncio.run(full.deliver(message, message.recipients[0], key))


def test_a_disk_that_takes_nothing(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    Path(full.destination.place).parent.mkdir(parents=True)
    Path(full.destination.place).write_text("in the way")
    with pytest.raises(Unavailable):
        asyncio.run(full.deliver(message, message.recipients[0], "key"))
