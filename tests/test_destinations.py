"""The destination is part of what was agreed: recorded at sealing, compared at the claim, confirmed by a person."""

import asyncio
import dataclasses
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from distributor import destinations, registry
from distributor.contract import Channel
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.settings import Places, Secret, Settings
from distributor.site import Site
from distributor.store import Waiting
from tests import sites
from tests.scheduled import LIFT, Scheduled
from tests.test_cli import Cli

#: Fields of every channel type that are neither destination nor credential: how and when it sends, and what it writes.
MANNER = {
    "name", "places", "enabled", "languages", "after", "tier", "in_doubt", "wait_for_page", "rate", "corrections",
    "private_network", "media", "display_name", "visibility", "max_characters", "message_type", "link_in_post", "feeds",
    "tag_feeds", "image_types", "items", "formats", "hub", "to", "lists", "tags", "reply_to", "tls", "connections",
    "per_connection", "quota", "domains", "unsubscribe", "feedback_id", "images", "dkim_selector", "dkim_domain",
    "dkim_ed25519_selector", "list_id", "on_correction",
}  # fmt: skip
#: What is destination, by channel type. A new field stands here, in CREDENTIALS or in MANNER, or the test fails.
DESTINATION = {
    "bluesky": {"pds", "handle"},
    "bucket": {"bucket", "prefix", "endpoint", "region", "folder"},
    "copytext": {"for_network"},
    "discord": set(),
    "email": {"smtp", "servers", "sender", "bounces"},
    "facebook": {"page", "api"},
    "line": {"api"},
    "linkedin": {"organization", "api"},
    "mastodon": {"instance"},
    "matrix": {"homeserver", "room"},
    "newsroom": set(),
    "rss": {"path"},
    "slack": {"channel", "api"},
    "teams": set(),
    "telegram": {"chat", "api"},
    "threads": {"user", "api"},
    "websub": {"hub"},
    "x": {"handle", "api"},
}  # fmt: skip
OWN_MANNER = {"threads": {"handle"}}


def types() -> dict[str, type[Channel]]:
    return {name: registry.load_type(name, path) for name, path in registry.types(Site(None)).items()}


def holds_secret(hint: Any) -> bool:
    return hint is Secret or any(holds_secret(one) for one in get_args(hint))


def test_every_channel_type_is_in_the_table() -> None:
    assert types().keys() == DESTINATION.keys()


@pytest.mark.parametrize("name", DESTINATION)
def test_each_field_is_destination_credential_or_manner(name: str) -> None:
    cls = types()[name]
    fields = {field.name for field in dataclasses.fields(cls) if field.init}
    credentials = set(cls.CREDENTIALS)
    manner = (MANNER | OWN_MANNER.get(name, set())) - ({"hub"} if name == "websub" else set())
    assert set(cls.DESTINATION) | DESTINATION[name] == DESTINATION[name]
    assert fields == (fields & manner) | credentials | DESTINATION[name]
    assert not credentials & (manner | DESTINATION[name])
    hints = get_type_hints(cls, include_extras=True)
    assert {field for field in fields if holds_secret(hints[field])} <= credentials


#: A live block of each type: (field, value, another value). Every change of a destination field changes the facts.
LIVE: dict[str, dict[str, Any]] = {
    "bluesky": {"handle": "a.bsky.social", "password": {"env": "S"}},
    "bucket": {"bucket": "press", "access_key": {"env": "S"}, "secret_key": {"env": "S"}},
    "discord": {"webhook": {"env": "HOOK"}},
    "email": {"sender": "Press <press@a.example>", "smtp": "smtp://mail.a.example", "to": ["x@y.example"]},
    "facebook": {"page": "1", "token": {"env": "S"}},
    "line": {"token": {"env": "S"}},
    "linkedin": {"organization": "1", "token": {"env": "S"}},
    "mastodon": {"instance": "https://a.example", "token": {"env": "S"}},
    "matrix": {"homeserver": "https://a.example", "room": "!a:a.example", "token": {"env": "S"}},
    "newsroom": {},
    "rss": {},
    "slack": {"token": {"env": "S"}, "channel": "C1"},
    "teams": {"webhook": {"env": "HOOK"}},
    "telegram": {"chat": "@a", "token": {"env": "S"}},
    "threads": {"user": "1", "token": {"env": "S"}},
    "websub": {"hub": "https://hub.a.example"},
    "x": {"handle": "a", "token": {"env": "S"}},
}
OTHER: dict[str, dict[str, Any]] = {
    "bluesky": {"handle": "b.bsky.social", "pds": "https://pds.b.example"},
    "bucket": {"bucket": "other", "prefix": "b", "endpoint": "https://s3.b.example", "region": "eu-west-1"},
    "email": {
        "sender": "Press <press@b.example>",
        "smtp": "smtp://mail.a.example:2525",
        "servers": [{"smtp": "smtp://mail.b.example"}],
    },
    "facebook": {"page": "2", "api": "https://b.example"},
    "line": {"api": "https://b.example"},
    "linkedin": {"organization": "2", "api": "https://b.example"},
    "mastodon": {"instance": "https://b.example"},
    "matrix": {"homeserver": "https://b.example", "room": "!b:b.example"},
    "rss": {"path": "other.xml"},
    "slack": {"channel": "C2", "api": "https://b.example/api"},
    "telegram": {"chat": "@b", "api": "https://b.example"},
    "threads": {"user": "2", "api": "https://b.example"},
    "websub": {"hub": "https://hub.b.example"},
    "x": {"handle": "b", "api": "https://b.example"},
}


def built(tmp_path: Path, name: str, **keys: Any) -> Channel:
    places = Places(public=tmp_path / "public", outbox=tmp_path / "outbox", state=tmp_path / "var", root=tmp_path)
    config = Settings.model_validate({"channels": {name: keys}})
    return registry.build(Site(None), config, places, (name,))[name]


@pytest.mark.parametrize("name", LIVE)
def test_a_change_of_each_destination_field_is_seen_and_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "secret")
    monkeypatch.setenv("HOOK", "https://hooks.slack.com/services/T0/B0/first")
    agreed = built(tmp_path, name, **LIVE[name]).destination_facts
    for field, value in OTHER.get(name, {}).items():
        now = built(tmp_path, name, **{**LIVE[name], field: value}).destination_facts
        assert destinations.differences(agreed, now), field
    monkeypatch.setenv("S", "rotated")
    monkeypatch.setenv("HOOK", "https://hooks.slack.com/services/T0/B0/second")
    same = built(tmp_path, name, **LIVE[name], rate="3/h", after="5m").destination_facts
    assert destinations.differences(agreed, same) == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://hooks.slack.com/services/T0/B0/aaa", "https://hooks.slack.com/services/T0/B0/bbb", True),
        ("https://hooks.slack.com/services/T0/B0/aaa", "https://hooks.slack.com/services/T0/B1/aaa", False),
        ("https://discord.com/api/webhooks/1/aaa", "https://discord.com/api/webhooks/1/bbb", True),
        ("https://discord.com/api/webhooks/1/aaa", "https://discord.com/api/webhooks/2/aaa", False),
        ("https://discord.com/api/webhooks/1/a?thread_id=5", "https://discord.com/api/webhooks/1/a?thread_id=6", False),
        (
            "https://a.logic.azure.com/workflows/1/invoke?sig=x",
            "https://a.logic.azure.com/workflows/1/invoke?sig=y",
            True,
        ),
        (
            "https://a.logic.azure.com/workflows/1/invoke?sig=x",
            "https://a.logic.azure.com/workflows/2/invoke?sig=x",
            False,
        ),
    ],
)
def test_a_webhook_is_a_place_and_a_secret(
    first: str, second: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for url in (first, second):
        monkeypatch.setenv("HOOK", url)
        found.append(built(tmp_path, "discord", webhook={"env": "HOOK"}).destination_facts)
        assert url.rpartition("/")[2] not in json.dumps(found[-1])
    assert (found[0] == found[1]) is same
    monkeypatch.delenv("HOOK")  # where it is sealed the secret need not be set: then it is not compared
    assert not destinations.differences(found[0], built(tmp_path, "discord", webhook={"env": "HOOK"}).destination_facts)


def test_a_credential_that_is_added_or_taken_away_is_another_destination(tmp_path: Path) -> None:
    live = built(tmp_path, "mastodon", **LIVE["mastodon"]).destination_facts
    local = built(tmp_path, "mastodon", instance="https://a.example").destination_facts
    assert local == {"folder": "outbox/mastodon"}
    assert destinations.differences(local, live)


def test_a_site_that_moves_is_the_same_site(tmp_path: Path) -> None:
    found = [built(tmp_path / one, "newsroom").destination_facts for one in ("a", "b")]
    assert found[0] == found[1] == {"folder": "public", "address": ""}


# ── at the instant ────────────────────────────────────────────────────────────────────────────────────────────────────


def blocks(root: Path, log: str, **keys: object) -> str:
    """A box that writes to another file: its place is its log."""
    return sites.box(root, "box", **keys).replace(f"{root}/box.log", f"{root}/{log}.log") + sites.box(root, "wall")


def elsewhere(site: Scheduled) -> None:
    sites.configure(site.root, blocks(site.root, "other"))
    site.desk = Desk(site=Site(site.root), clock=site.clock)


def test_nothing_goes_elsewhere_until_a_person_agrees(tmp_path: Path, store: str) -> None:
    root = tmp_path / "site"
    site = Scheduled(root, blocks(root, "box"))
    elsewhere(site)
    site.clock.set(LIFT)
    assert site.drain() == 1  # the other channel is not held up
    assert site.states() == {"box public/en": "held", "wall public/en": "delivered"}
    assert sites.log(root, "other") == []
    assert "place box.log → other.log" in (site.rows()[0].reason or "")
    site.desk.resume("three-piers")
    site.drain()
    assert site.states()["box public/en"] == "held"  # to resume is not to agree
    with pytest.raises(ActionError, match="did you mean 'box'"):
        site.desk.confirm("three-piers", "bok")
    [done] = site.desk.confirm("three-piers", "box")
    assert done.differences == [("place", "box.log", "other.log")]
    assert site.drain() == 1
    assert len(sites.log(root, "other")) == 1
    assert sites.log(root) == []
    _release, holds, proofs = site.desk.verify("three-piers")
    assert holds
    assert all(proof.holds for proof in proofs)


def test_the_config_is_put_back_and_it_goes_by_itself(tmp_path: Path) -> None:
    root = tmp_path / "site"
    site = Scheduled(root, blocks(root, "box"))
    elsewhere(site)
    site.clock.set(LIFT)
    site.drain()
    sites.configure(root, blocks(root, "box"))
    site.desk = Desk(site=Site(root), clock=site.clock)

    async def compare() -> list[Waiting]:
        with site.desk.ledger() as ledger:
            return await site.outbox(ledger).compare()

    assert asyncio.run(compare()) == []
    assert site.drain() == 1
    assert site.states()["box public/en"] == "delivered"
    assert len(sites.log(root)) == 1


def test_what_an_earlier_version_sealed_goes_out_unchanged(tmp_path: Path) -> None:
    root = tmp_path / "site"
    site = Scheduled(root, blocks(root, "box"))
    with sqlite3.connect(root / "var" / "distributor.db") as db:
        db.execute("DELETE FROM destination")
    db.close()
    elsewhere(site)
    site.clock.set(LIFT)
    assert site.drain() == 2
    assert set(site.states().values()) == {"delivered"}


def test_two_people_agree_where_four_eyes_are_on(tmp_path: Path) -> None:
    root = tmp_path / "site"
    site = Scheduled(root, blocks(root, "box"))
    sites.configure(root, "[policy]\nfour_eyes = true\n" + blocks(root, "other"))
    people = [Desk(site=Site(root), clock=site.clock, who=who) for who in ("mira", "tom")]
    site.desk = people[0]
    site.clock.set(LIFT)
    site.drain()
    assert [one.done for one in people[0].confirm("three-piers", "box")] == [False]
    assert [one.done for one in people[0].confirm("three-piers", "box")] == [False]  # twice by one is one
    assert site.drain() == 0
    sites.configure(root, "[policy]\nfour_eyes = true\n" + blocks(root, "third"))
    third = Desk(site=Site(root), clock=site.clock, who="tom")
    assert [one.done for one in third.confirm("three-piers", "box")] == [False]  # it is another place by now
    sites.configure(root, "[policy]\nfour_eyes = true\n" + blocks(root, "other"))
    site.desk = Desk(site=Site(root), clock=site.clock, who="mira")
    assert [one.done for one in site.desk.confirm("three-piers", "box")] == [False]
    site.desk = Desk(site=Site(root), clock=site.clock, who="tom")
    assert [one.done for one in site.desk.confirm("three-piers", "box")] == [True]
    assert site.drain() == 1


def test_a_kill_does_not_go_to_another_server(tmp_path: Path) -> None:
    """The other server would say that there is no such post: it would be called withdrawn, and stay up."""
    root = tmp_path / "site"
    site = Scheduled(root, blocks(root, "box", follows=True))
    with sqlite3.connect(root / "var" / "distributor.db") as db:
        db.execute("UPDATE destination SET deletes = 1")
    db.close()
    site.clock.set(LIFT)
    site.drain()
    site.clock.step(timedelta(minutes=1))
    (root / "channels" / "box.py").write_text("def broken(:")
    site.desk = Desk(site=Site(root), clock=site.clock)
    site.desk.kill("three-piers")
    (root / "channels" / "box.py").write_text(sites.BOX)
    sites.configure(root, blocks(root, "other", follows=True))
    site.desk = Desk(site=Site(root), clock=site.clock)
    site.drain()
    kills = {row.channel: str(row.state) for row in site.rows() if row.kind == "kill"}
    assert kills["box"] == "held"
    assert sites.log(root, "other") == []


def test_the_command_line_shows_what_differs_then_agrees(cli: Cli) -> None:
    root = cli.root
    path = str(sites.release(root, LIFT))
    assert cli("schedule", path)[0] == 0
    assert cli("confirm", "three-piers")[:2] == (0, "three-piers: every channel leads where it was agreed\n")
    sites.configure(root, blocks(root, "other", to=["a@x"]))
    code, out, _ = cli("confirm", "three-piers")
    assert code == 1
    assert "place: box.log → other.log" in out
    assert "--channel box" in out
    assert cli("confirm", "three-piers", "--channel", "wall")[0] == 2
    code, out, _ = cli("confirm", "three-piers", "--channel", "box")
    assert (code, "go" in out) == (0, True)
    found = json.loads(cli("confirm", "three-piers", "--json")[1])
    assert found == {"schema": 1, "release": "three-piers", "channels": []}


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    root = tmp_path / "site"
    return Cli(sites.make(root, blocks(root, "box", to=["a@x"])), capsys)
