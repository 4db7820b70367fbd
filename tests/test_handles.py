"""A text of one's own for a network: its links, hashtags and mentions are live as that network makes them live."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from distributor import sheet
from distributor.contract import Channel, Kit, Message
from distributor.errors import ConfigError
from distributor.handles import Handle
from distributor.release import Release
from distributor.render import Templates
from distributor.settings import load
from distributor.site import Site
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.test_networks_whole import network, posts

MakeChannel = Callable[..., Channel]
MakeRelease = Callable[..., Release]
BUY = "https://tickets.example/a_b_c"
DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
URN = "urn:li:organization:10000001"
HANDLES = {
    "harbour": Handle.model_validate(
        {
            "name": "Harbour (Trust)",
            "x": "@harbourtrust",
            "mastodon": "@harbour@mastodon.example",
            "bluesky": {"handle": "@harbour.bsky.social", "did": DID},
            "linkedin": URN,
            "threads": "harbour.trust",
            "facebook": "100064000000001",
            "telegram": "@harbour_trust",
            "slack": "U0123ABCD",
            "discord": "81384788765712384",
            "matrix": "@harbour:matrix.example",
        }
    ),
    "pier": Handle.model_validate({"name": "Pier Board", "slack": "S0123ABCD", "discord": "&165511591545143296"}),
}
#: What a reader sees of the mention `@harbour`.
SHOWN = {
    "bluesky": "@harbour.bsky.social",
    "mastodon": "@harbour@mastodon.example",
    "x": "@harbourtrust",
    "linkedin": "Harbour (Trust)",
    "threads": "@harbour.trust",
    "facebook": "Harbour (Trust)",
    "telegram": "@harbour_trust",
    "slack": "@Harbour (Trust)",
    "discord": "@Harbour (Trust)",
    "matrix": "Harbour (Trust)",
}
NO_MENTIONS = ("teams", "line")
TAGGED = ("bluesky", "mastodon", "x", "linkedin", "facebook", "telegram")
TEXT = f"Proud to sail with @harbour. Tickets: {BUY} and #NotInList, too."


def post(
    name: str, text: str, make_channel: MakeChannel, make_release: MakeRelease, kit: Kit
) -> tuple[Message, Any, list[str]]:
    """The message, its body, and the codes of its findings."""
    channel = make_channel(name)
    message = channel.render(make_release(social={name: text}), replace(kit, handles=HANDLES))[0]
    body = json.loads(message.content) if message.content_type.endswith("json") else None
    return message, body, [found.code for found in channel.check(message)]


def live(message: Message) -> list[tuple[str, str, str]]:
    return [(one.kind, message.text[one.start : one.end], one.target) for one in message.entities]


@pytest.mark.parametrize("name", [*SHOWN, *NO_MENTIONS])
def test_what_a_person_wrote_is_live(name: str, make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    message, _, codes = post(name, TEXT, make_channel, make_release, kit)
    found = live(message)
    assert ("link", BUY, BUY) in found
    assert (("hashtag", "#NotInList", "NotInList") in found) == (name in TAGGED)
    mentions = [shown for kind, shown, _ in found if kind == "mention"]
    assert mentions == ([SHOWN[name]] if name in SHOWN else [])
    assert message.text.startswith(f"Proud to sail with {SHOWN.get(name, 'Harbour (Trust)')}. Tickets: {BUY}")
    assert "unknown-handle" not in codes
    assert "dead-entity" not in codes
    named = [one.why for one in message.dropped if one.text == "@harbour"]
    assert len(named) == (name in NO_MENTIONS)  # its name takes the place of the mention, and that is said


def test_the_preview_draws_them(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    message, _, _ = post("bluesky", TEXT, make_channel, make_release, kit)
    kinds = [piece.kind for piece in sheet.pieces(message) if piece.kind]
    assert kinds[:3] == ["mention", "link", "hashtag"]


def test_bluesky_facets(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    message, body, _ = post("bluesky", f"香港 {TEXT}", make_channel, make_release, kit)
    data = body["record"]["text"].encode()
    facets = [
        (data[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(), one["features"])
        for one in body["record"]["facets"]
    ]
    base = "app.bsky.richtext.facet"
    assert facets[:3] == [
        ("@harbour.bsky.social", [{"$type": f"{base}#mention", "did": DID}]),
        (BUY, [{"$type": f"{base}#link", "uri": BUY}]),
        ("#NotInList", [{"$type": f"{base}#tag", "tag": "NotInList"}]),
    ]
    assert message.text == body["record"]["text"]
    literal = post("bluesky", "With @harbour.bsky.social today.", make_channel, make_release, kit)[1]
    assert literal["record"]["facets"][0]["features"] == [{"$type": f"{base}#mention", "did": DID}]


def test_linkedin_little_text(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    _, body, _ = post("linkedin", TEXT, make_channel, make_release, kit)
    assert body["commentary"].startswith(rf"Proud to sail with @[Harbour \(Trust\)]({URN}). Tickets: ")
    assert r"{hashtag|\#|NotInList}, too." in body["commentary"]
    text = "With @[Some Body](urn:li:person:a-1_b) and @Harbour Trust"
    message, body, codes = post("linkedin", text, make_channel, make_release, kit)
    assert body["commentary"].startswith(r"With @[Some Body](urn:li:person:a-1_b) and \@Harbour Trust")
    assert ("mention", "Some Body", "urn:li:person:a-1_b") in live(message)
    assert codes.count("unknown-handle") == 1


def test_slack_elements(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    text = f"@harbour, @pier and <@U9ZZZZZ99> at {BUY} <!channel>"
    _, body, _ = post("slack", text, make_channel, make_release, kit)
    parts = body["blocks"][0]["elements"][0]["elements"]
    assert parts[0] == {"type": "user", "user_id": "U0123ABCD"}
    assert parts[2] == {"type": "usergroup", "usergroup_id": "S0123ABCD"}
    assert parts[4] == {"type": "user", "user_id": "U9ZZZZZ99"}
    assert {"type": "link", "url": BUY, "text": BUY} in parts
    assert body["text"].startswith("<@U0123ABCD>, <!subteam^S0123ABCD> and <@U9ZZZZZ99> at ")
    assert "&lt;!channel&gt;" in body["text"]  # nobody is called by accident


def test_discord_mentions(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    text = f"@harbour, @pier and <@42> at {BUY} *now* @everyone"
    _, body, _ = post("discord", text, make_channel, make_release, kit)
    assert body["content"].startswith(
        rf"<@81384788765712384>, <@&165511591545143296> and <@42> at <{BUY}> \*now\* @everyone"
    )
    assert body["allowed_mentions"] == {
        "parse": [],
        "users": ["81384788765712384", "42"],
        "roles": ["165511591545143296"],
    }


def test_matrix_mentions(make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    _, body, _ = post("matrix", f"{TEXT} @an.editor:matrix.example", make_channel, make_release, kit)
    assert body["m.mentions"] == {"user_ids": ["@harbour:matrix.example", "@an.editor:matrix.example"]}
    assert '<a href="https://matrix.to/#/@harbour:matrix.example">Harbour (Trust)</a>' in body["formatted_body"]
    assert f'<a href="{BUY}">{BUY}</a>' in body["formatted_body"]


@pytest.mark.parametrize(
    ("name", "field", "wire"),
    [
        ("x", "text", "@harbourtrust"),
        ("mastodon", "status", "@harbour@mastodon.example"),
        ("telegram", "text", "@harbour_trust"),
        ("facebook", "message", "@[100064000000001]"),
    ],
)
def test_the_plain_networks(
    name: str, field: str, wire: str, make_channel: MakeChannel, make_release: MakeRelease, kit: Kit
) -> None:
    _, body, _ = post(name, TEXT, make_channel, make_release, kit)
    assert body[field].startswith(f"Proud to sail with {wire}. Tickets: {BUY} and #NotInList, too.")


@pytest.mark.parametrize("name", SHOWN)
def test_who_is_in_no_map_is_a_finding(
    name: str, make_channel: MakeChannel, make_release: MakeRelease, kit: Kit
) -> None:
    message, _, codes = post(name, "With @harbur and press@harbour.example.", make_channel, make_release, kit)
    assert codes.count("unknown-handle") == 1
    assert "mention" not in [kind for kind, _, _ in live(message)]


@pytest.mark.parametrize("name", [*SHOWN, *NO_MENTIONS])
def test_release_text_calls_nobody(name: str, make_channel: MakeChannel, make_release: MakeRelease, kit: Kit) -> None:
    """What stands in a headline by accident stays as harmless as it was, also where it is in the map."""
    channel = make_channel(name)
    release = make_release(headline="[audio] @harbour, @Stanford and <!channel> <@42>")
    message = channel.render(release, replace(kit, handles=HANDLES))[0]
    assert message.content == channel.render(release, kit)[0].content
    assert "mention" not in [one.kind for one in message.entities]


def test_a_template_places_a_mention(
    make_channel: MakeChannel, make_release: MakeRelease, kit: Kit, tmp_path: Path
) -> None:
    (tmp_path / "bluesky").mkdir()
    (tmp_path / "bluesky" / "post.txt").write_text(
        "{{ headline }} with {{ mentions.harbour }} {{ mentions.pier }} {{ link }}"
    )
    own = replace(kit, handles=HANDLES, templates=Templates([tmp_path]))
    message = make_channel("bluesky").render(make_release(headline="New"), own)[0]
    assert message.text.startswith("New with @harbour.bsky.social Pier Board ")
    assert ("mention", "@harbour.bsky.social", DID) in live(message)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bluesky", {"handle": "harbour", "did": DID}),
        ("bluesky", {"handle": "harbour.bsky.social", "did": "ewvi7nxzyoun6zhxrhs64oiz"}),
        ("bluesky", {"handle": "harbour.bsky.social"}),
        ("linkedin", "10000001"),
        ("mastodon", "@harbour"),
        ("x", "@harbour trust"),
        ("slack", "@harbour"),
        ("discord", "harbour#1234"),
        ("matrix", "@harbour"),
        ("facebook", "harbourtrust"),
        ("linkdin", URN),
    ],
)
def test_a_wrong_handle_is_refused(key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=key):
        Handle.model_validate({"name": "Harbour", key: value})


def test_the_config_names_the_line(tmp_path: Path) -> None:
    root = sites.make(tmp_path, '[house.handles.harbour]\nname = "Harbour"\nlinkedin = "10000001"\n')
    with pytest.raises(ConfigError, match=r"house\.handles\.harbour\] linkedin.*urn:li:organization:10000001"):
        load(Site(root))


@pytest.mark.parametrize("name", ["mastodon", "bluesky", "x", "telegram"])
def test_the_network_gets_it_from_the_config(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole tool: config, release file, seal and send."""
    facts = '[house.handles.harbour]\nname = "Harbour"\nmastodon = "harbour@mastodon.example"\nx = "harbourtrust"\n'
    facts += f'telegram = "harbour_trust"\nbluesky = {{ handle = "harbour.bsky.social", did = "{DID}" }}\n'
    with network(name, monkeypatch) as (server, block):
        site = Scheduled(
            tmp_path, facts + block, **{"issuer:": f"social: {{net: 'With @harbour #Tag {BUY}'}}\nissuer:"}
        )
        site.clock.set(LIFT)
        site.drain()
        assert SHOWN[name] in repr(posts(server))
