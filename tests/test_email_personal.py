"""What is one recipient's own in a mail: name, address, the link that takes them off the list, signatures."""

import email
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email import policy
from html import unescape
from pathlib import Path
from typing import Any

import dkim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.email.tokens import Tokens
from distributor.cli.main import main
from distributor.contract import Channel, Kit, Message, Recipient, Severity
from distributor.errors import ConfigError
from distributor.release import Release
from distributor.render import Templates
from tests import sites

MakeChannel = Callable[..., Channel]
SECRET = "a secret of the press office"
BASE = "https://newsroom.tidewater.example/unsubscribe/"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an RSA key, a short one, an Ed25519 key and a mail key."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder = tmp_path_factory.mktemp("keys")
    made: dict[str, Any] = {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "short": rsa.generate_private_key(public_exponent=65537, key_size=1024),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, key in made.items():
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    (folder / "mail.key").write_text(SECRET)
    return folder


@pytest.fixture
def full(make_channel: MakeChannel, keys: Path) -> Channel:
    return make_channel("email", **everything(keys))


def everything(keys: Path) -> dict[str, Any]:
    return {
        "unsubscribe": "unsubscribe@tidewater.example",
        "mail_key": {"file": str(keys / "mail.key")},
        "list_id": "press.tidewater.example",
        "feedback_id": "tidewater",
        "dkim_selector": "press",
        "dkim_key": {"file": str(keys / "rsa.pem")},
        "dkim_ed25519_selector": "press-ed",
        "dkim_ed25519_key": {"file": str(keys / "ed25519.pem")},
    }


def only(channel: Channel, release: Release, kit: Kit) -> Message:
    (message,) = channel.render(release, kit)
    return message


def parsed(wire: bytes) -> Any:
    made = email.message_from_bytes(wire, policy=policy.default)
    assert [part.defects for part in made.walk() if part.defects] == []
    return made


def body(mail: Any, kind: str) -> str:
    return str(mail.get_body((kind,)).get_content())


def resolver(channel: Channel) -> Callable[..., bytes]:
    """The DNS as the channel says that it should be."""
    records = {f"{one.selector}._domainkey.{one.domain}.": one.record.encode() for one in channel.signers}  # type: ignore[attr-defined]
    return lambda name, timeout=5: records.get(name.decode())  # type: ignore[return-value]


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters='<>"\ufeff'), max_size=100
)


def test_a_thousand_mails_each_have_their_own(full: Channel, sample: Release, kit: Kit) -> None:
    message, tokens = only(full, sample, kit), Tokens(SECRET)
    seen: set[str] = set()
    for number in range(1000):
        someone = Recipient(address=f"Person.{number}@outlet-{number % 7}.example", name=f"Né {number} & Søn =?")
        mail = parsed(
            full.compose(message, replace(someone, signature=b"x" * 32)) if number else full.compose(message, someone)
        )
        link = re.search(r"<(https://[^>]+)>", mail["List-Unsubscribe"])
        assert link
        assert link[1].startswith(BASE)
        assert tokens.left(link[1].removeprefix(BASE)) == (someone.address, "en")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link[1] in body(mail, "plain")
        assert f'href="{link[1]}"' in body(mail, "html")
        assert f"({someone.address})" in body(mail, "plain")
        assert mail["To"].addresses[0].display_name == someone.name
        seen |= {link[1], mail["Message-ID"]}
    assert len(seen) == 2000


def test_the_preview_shows_what_each_mail_has(full: Any, sample: Release, kit: Kit) -> None:
    message = only(replace(full, to=tuple(f"a{n}@b.example" for n in range(30))), sample, kit)
    assert [name for name, _ in message.headers][-4:] == [
        "List-Unsubscribe", "List-Unsubscribe-Post", "DKIM-Signature", "DKIM-Signature",
    ]  # fmt: skip
    assert dict(message.headers)["List-Unsubscribe"].startswith(f"<{BASE}…>, <mailto:")
    assert "unsubscribe-missing" not in [finding.code for finding in full.check(message)]


def test_the_header_also_names_a_mailbox(full: Channel, make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    wire = full.compose(only(full, sample, kit), Recipient(address="a@b.example"))
    header = re.search(rb"\r\nList-Unsubscribe: (.*)\r\n", wire)
    assert header
    assert header[1].endswith(b">, <mailto:unsubscribe@tidewater.example?subject=unsubscribe>")
    assert wire.count(b"List-Unsubscribe:") == 1
    assert b"\r\nFeedback-ID: harbour-line-opening:email:press:tidewater\r\n" in wire
    bare = make_channel("email", unsubscribe="unsubscribe@tidewater.example")
    wire = bare.compose(only(bare, sample, kit), Recipient(address="a@b.example"))
    assert b"List-Unsubscribe-Post" not in wire  # RFC 8058 §3.1: only with a web address


@given(NAMES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_in_any_place(
    built_in: Any, full: Channel, sample: Release, kit: Kit, tmp_path: Path, name: str
) -> None:
    """A template of the user's own greets by name."""
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "message.txt").write_text(
        "Dear {{ recipient.name }},\n{{ recipient.address }}\n.\nFrom here {{ unsubscribe }}\n"
    )
    (folder / "message.html").write_text('<p title="{{ recipient.name }}">Dear {{ recipient.name }}, 香港</p>')
    own = replace(kit, templates=Templates([tmp_path / "templates", *built_in.layers("templates")]))
    message = only(full, sample, own)
    name = " ".join(name.split())
    wire = full.compose(message, Recipient(address="a@b.example", name=name))
    assert all(len(line) <= 76 for line in wire.partition(b"\r\n\r\n")[2].split(b"\r\n") if not line.startswith(b"--"))
    mail, shown = parsed(wire), name or "a@b.example"
    text = body(mail, "plain").replace("\r\n", "\n")
    assert text.startswith(f"Dear {shown},\na@b.example\n.\nFrom here https://")
    assert unescape(body(mail, "html")).strip() == f'<p title="{shown}">Dear {shown}, 香港</p>'
    assert "<script" not in body(mail, "html").lower()
    assert dkim.verify(wire, dnsfunc=resolver(full))


def test_markup_in_a_name_stays_text(
    full: Channel, make_channel: MakeChannel, built_in: Any, sample: Release, kit: Kit, tmp_path: Path
) -> None:
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "message.html").write_text("<p>{{ recipient.name }}</p>")
    own = replace(kit, templates=Templates([tmp_path / "templates", *built_in.layers("templates")]))
    wire = full.compose(
        only(full, sample, own), Recipient(address="a@b.example", name='<script>"x"</script> {{ 1+1 }}')
    )
    assert body(parsed(wire), "html").strip() == "<p>&lt;script&gt;&quot;x&quot;&lt;/script&gt; {{ 1+1 }}</p>"
    first = only(make_channel("email", to=["Lam & Co <a@b.example>"]), sample, own)
    assert first.html is not None
    assert first.html.strip() == "<p>Lam &amp; Co</p>"  # what a preview shows


def test_a_template_that_changes_a_value_is_told(
    full: Channel, built_in: Any, sample: Release, kit: Kit, tmp_path: Path
) -> None:
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True)
    (folder / "message.txt").write_text("{{ recipient.name | upper }}")
    own = replace(kit, templates=Templates([tmp_path / "templates", *built_in.layers("templates")]))
    with pytest.raises(ConfigError, match="print it as it is"):
        full.render(sample, own)


def test_what_looks_like_a_slot_in_a_release_is_text(
    full: Channel, make_release: Callable[..., Release], kit: Kit
) -> None:
    release = make_release(body="{{ recipient.name }} \\0nt %(name)s q0123456789abcdef0123nz\n\nnt nh")
    text = body(parsed(full.compose(only(full, release, kit), Recipient(address="a@b.example", name="Wan"))), "plain")
    assert "{{ recipient.name }} \\0nt %(name)s q0123456789abcdef0123nz" in " ".join(text.split())
    assert "Wan" not in text


# ── DKIM ──


def test_both_signatures_hold_for_another_program(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    someone = Recipient(address="editor@port.example", name="Ödön Nagy")
    endorsed = replace(someone, signature=full.endorse(message, someone))
    wire = full.compose(message, endorsed)
    assert wire == full.compose(message, someone)  # the same every time: it is sealed
    judge = dkim.DKIM(wire)
    assert judge.verify(idx=0, dnsfunc=resolver(full))
    assert judge.verify(idx=1, dnsfunc=resolver(full))
    signed = re.search(rb"h=([^;]+);", wire)
    assert signed
    names = re.sub(rb"\s", b"", signed[1]).split(b":")
    assert names.count(b"list-unsubscribe") == names.count(b"from") == 2
    for change in (
        (b"Subject: ", b"Subject: x"),
        (b"\r\n\r\n--", b"\r\n\r\nX--"),
        (b"List-Unsubscribe: <", b"List-Unsubscribe: <x"),
    ):
        assert not dkim.verify(wire.replace(*change, 1), dnsfunc=resolver(full))
    assert not dkim.verify(b"Subject: another\r\n" + wire, dnsfunc=resolver(full))


def test_signatures_without_slots_and_with_photos(
    make_channel: MakeChannel, keys: Path, sample: Release, kit: Kit
) -> None:
    for more in ({"mail_key": None}, {"images": "cid"}, {"languages": ["zh-Hant"], "mail_key": None}):
        channel = make_channel("email", **{**everything(keys), **more})
        message = only(channel, sample, kit)
        assert dkim.verify(
            channel.compose(message, message.recipients[0] if message.recipients else Recipient(address="a@b.example")),
            dnsfunc=resolver(channel),
        )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dkim_key": "short"}, "1024 bits"),
        ({"dkim_key": "ed25519"}, "dkim_key is a key for ed25519"),
        ({"dkim_ed25519_key": "rsa"}, "dkim_ed25519_key is a key for rsa"),
        ({"dkim_key": "mail"}, "is no private key"),
        ({"dkim_selector": "a b"}, "no selector"),
    ],
)
def test_a_key_that_is_none(
    make_channel: MakeChannel, keys: Path, sample: Release, kit: Kit, changes: dict[str, str], says: str
) -> None:
    files = {
        key: {"file": str(keys / ("mail.key" if value == "mail" else f"{value}.pem"))} if key.endswith("key") else value
        for key, value in changes.items()
    }
    with pytest.raises(ConfigError, match="dkim") as caught:
        make_channel("email", **{**everything(keys), **files}).render(sample, kit)
    assert says in str(caught.value).replace(": ", " ").replace("  ", " ")
    assert SECRET not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


def test_doctor_prints_the_records(tmp_path: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f'dkim_selector = "press"\ndkim_key = {{ file = "{keys / "rsa.pem"}" }}']
    block = '[channels.mail]\ntype = "email"\nsender = "Press <press@lam.example>"\nto = ["a@b.example"]\n' + lines[0]
    with pytest.raises(SystemExit) as ended:
        main(["--site", str(sites.make(tmp_path / "site", block)), "doctor"])
    assert ended.value.code == 0
    assert "\nmail: press._domainkey.lam.example TXT v=DKIM1; k=rsa; p=MII" in capsys.readouterr().out


def test_a_key_that_is_not_there_stops_scheduling(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    channel = make_channel("email", mail_key={"env": "NO_SUCH_KEY"})
    (finding,) = (one for one in channel.check(only(channel, sample, kit)) if one.code == "key-missing")
    assert finding.severity is Severity.error
    assert "NO_SUCH_KEY" in finding.text
    assert channel.destination.missing == ("environment variable NO_SUCH_KEY",)
    short = make_channel("email", mail_key={"env": "HOME"})
    if len(__import__("os").environ.get("HOME", "")) < 16:
        with pytest.raises(ConfigError, match="fewer than 16"):
            short.render(sample, kit)


# ── Languages, photos ──


def test_everybody_reads_their_language(
    make_channel: MakeChannel, sample: Release, kit: Kit, places: Any, tmp_path: Path
) -> None:
    (tmp_path / "press.csv").write_text(
        "address,language\na@x.example,\nb@x.example,zh\nc@x.example,zh-Hant\nd@x.example,en\ne@x.example,fr\n"
    )
    made = make_channel("email", to=[], lists=["press"], languages=["en", "zh-Hant"])
    channel = replace(made, places=replace(places, contacts=tmp_path))
    en, zh = channel.render(sample, kit)
    assert [one.address for one in en.recipients] == ["a@x.example", "d@x.example"]
    assert [one.address for one in zh.recipients] == ["b@x.example", "c@x.example"]
    assert zh.meta["audience"] == "5 listed − 0 duplicates − 0 suppressed − 0 invalid − 3 others = 2 to send"


def test_photos_travel_in_the_mail_also_before_the_lift(make_channel: MakeChannel, sample: Release, kit: Kit) -> None:
    channel = make_channel("email", images="cid", tier="prebrief", after="-1h")
    message = only(channel, sample, kit)
    mail = parsed(channel.compose(message, Recipient(address="a@b.example")))
    html = mail.get_body(("html",))
    names = re.findall(r'src="cid:([^"]+)"', html.get_content())
    photos = {
        str(part["Content-ID"]).strip("<>"): part for part in mail.walk() if part.get_content_maintype() == "image"
    }
    assert names
    assert set(names) == set(photos)
    assert all(len(part.get_content()) <= 300_000 for part in photos.values())
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "multipart/related"]
    assert "cid:" not in mail.get_body(("plain",)).get_content()
    assert not any("media" in str(dropped.why) for dropped in message.dropped)


# ── Tokens ──


@given(st.emails(), st.sampled_from(["en", "zh-Hant", "ar"]))
def test_a_token_names_one_address_and_nobody_can_make_one(address: str, lang: str) -> None:
    token = Tokens(SECRET).leave(address, lang)
    assert Tokens(SECRET).left(token) == (address, lang)
    assert address.partition("@")[0] not in token or len(address.partition("@")[0]) < 4
    assert Tokens("another secret, as long").left(token) is None
    for at in (0, len(token) // 2):
        other = "A" if token[at] != "A" else "B"
        assert Tokens(SECRET).left(token[:at] + other + token[at + 1 :]) is None


@given(st.text(max_size=80))
def test_what_is_no_token(text: str) -> None:
    assert Tokens(SECRET).left(text) is None
    assert Tokens(SECRET).returned("bounce@press.example", text) is None


def test_a_bounce_address_names_one_delivery() -> None:
    tokens, key = Tokens(SECRET), "0123456789abcdef" * 2
    address = tokens.returns("bounce@press.example", key)
    assert len(address.partition("@")[0]) <= 64
    assert tokens.returned("bounce@press.example", address.upper()) == key
    assert tokens.returned("other@press.example", address) is None
    assert tokens.returned("bounce@press.example", address.replace(key, key[::-1])) is None
    assert Tokens("another secret, as long").returned("bounce@press.example", address) is None


def test_a_long_list_sealed_in_threads_mixes_nobody_up(full: Channel, sample: Release, kit: Kit) -> None:
    message = only(full, sample, kit)
    people = [Recipient(address=f"r{n}@x.example", signature=b"x" * 40) for n in range(400)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda one: full.compose(message, one), people * 4))
    assert all(f"To: <{one.address}>".encode() in wire for one, wire in zip(people * 4, made, strict=True))
