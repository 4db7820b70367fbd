"""Connections: the way in by OAuth, keeping tokens, renewing them, and saying in time that one ends."""

import asyncio
import base64
import hashlib
import json
import logging
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from distributor.contract import Channel, Receipt, Unauthorized, Unavailable
from distributor.embargo import Embargo
from distributor.errors import ActionError
from distributor.http import Http
from distributor.posts import Connected, OAuth, Tokens
from distributor.posts.oauth import Flow
from distributor.posts.vault import Vault
from distributor.preview import Press
from distributor.reading import ReleaseFile
from distributor.release import Release
from tests.conftest import FakeClock
from tests.servers.http import LoopbackServer, Received, Reply, lose, say
from tests.servers.networks import FacebookServer, ThreadsServer, XServer
from tests.test_cli import Cli

PHRASE = "correct horse battery staple"
NOW = datetime.now(UTC).replace(microsecond=0)


class TokenServer(LoopbackServer):
    """An authorization server: a code for a verifier, refresh tokens that are good for one use."""

    def __init__(self) -> None:
        super().__init__()
        self.challenge = ""
        self.refresh = "refresh-0"
        self.issued = 0
        self.rotates = True
        self.seconds = 7200

    def answer(self, request: Received) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if form["code"] != "code-1" or proof != self.challenge or not form["redirect_uri"].startswith("http://127"):
                return Reply.of({"error": "invalid_grant", "error_description": "the code is not yours"}, 400)
        elif form.get("grant_type") != "refresh_token" or form["refresh_token"] != self.refresh:
            return Reply.of({"error": "invalid_grant"}, 400)
        self.issued += 1
        made = {"access_token": f"access-{self.issued}", "token_type": "bearer", "expires_in": self.seconds}
        if self.rotates:
            self.refresh = f"refresh-{self.issued}"
            made["refresh_token"] = self.refresh
        return Reply.of(made)


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as running:
        yield running


@pytest.fixture
def oauth(server: TokenServer) -> OAuth:
    return OAuth(authorize="https://x.example/authorize", token=f"{server.url}/token", scopes=("write", "read"))


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRIBUTOR_KEY", PHRASE)


@pytest.fixture
def channel(
    key: None, oauth: OAuth, make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch
) -> Connected:
    made = make_channel("x", client_id="our-app", private_network=True)
    assert isinstance(made, Connected)
    monkeypatch.setattr(type(made), "OAUTH", oauth)
    return made


def run(work: Callable[[], Any], *channels: Channel) -> Any:
    async def whole() -> Any:
        try:
            return await work()
        finally:
            for one in channels:
                await one.close()

    return asyncio.run(whole())


def consented(channel: Connected, tokens: Tokens) -> Tokens:
    async def work() -> Tokens:
        http = Http()
        try:
            return await channel.consented(tokens, http)
        finally:
            await http.close()

    return asyncio.run(work())


def trade(flow: Flow, answered: str) -> Tokens:
    async def work() -> Tokens:
        http = Http()
        try:
            return await flow.trade(answered, None, http, NOW)
        finally:
            await http.close()

    return asyncio.run(work())


# ── the way in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_consent(server: TokenServer, oauth: OAuth) -> None:
    flow = Flow(oauth, "our-app", "http://127.0.0.1:1/callback")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(flow.url).query).items()}
    assert asked["client_id"] == "our-app"
    assert asked["scope"] == "write read"
    assert asked["code_challenge_method"] == "S256"
    server.challenge = asked["code_challenge"]
    tokens = trade(flow, f"/callback?code=code-1&state={asked['state']}")
    assert (tokens.access, tokens.refresh) == ("access-1", "refresh-1")
    assert tokens.expires == NOW + timedelta(hours=2)
    assert "access-1" not in repr(tokens)


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        ("/callback?code=code-1&state=forged", "another question"),
        ("/callback?code=code-1", "another question"),
        ("/callback?error=access_denied&error_description=No+thanks&state={state}", "No thanks"),
        ("/callback?code=stolen&state={state}", "not yours"),
    ],
)
def test_an_answer_that_is_none(server: TokenServer, oauth: OAuth, answered: str, why: str) -> None:
    flow = Flow(oauth, "our-app", "http://127.0.0.1:1/callback")
    asked = parse_qs(urlsplit(flow.url).query)
    server.challenge = asked["code_challenge"][0]
    with pytest.raises(Unauthorized, match=why):
        trade(flow, answered.format(state=asked["state"][0]))
    assert server.issued == 0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(lost=True),
        Reply(body=b"<html>"),
        Reply.of({"access_token": "two words", "token_type": "bearer"}),
        Reply.of({"token_type": "bearer"}),
    ],
)
def test_a_token_address_that_fails_is_unavailable(server: TokenServer, oauth: OAuth, reply: Reply) -> None:
    flow = Flow(oauth, "our-app", "http://127.0.0.1:1/callback")
    state = parse_qs(urlsplit(flow.url).query)["state"][0]
    server.faults.append(say(reply))
    with pytest.raises(Unavailable):
        trade(flow, f"/callback?code=code-1&state={state}")


# ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tokens_are_never_plain(tmp_path: Path, key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(tmp_path / "connections", "x")
    tokens = Tokens(access="access-secret", refresh="refresh-secret", expires=NOW)
    place = vault.write(tokens)
    assert place == str(tmp_path / "connections" / "x.enc")
    assert vault.read() == tokens
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()
    assert Path(place).stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("DISTRIBUTOR_KEY", "another passphrase")
    with pytest.raises(Unauthorized, match="DISTRIBUTOR_KEY the same"):
        vault.read()
    monkeypatch.delenv("DISTRIBUTOR_KEY")
    (tmp_path / "phrase").write_text(PHRASE + "\n")
    monkeypatch.setenv("DISTRIBUTOR_KEY_FILE", str(tmp_path / "phrase"))
    assert vault.read() == tokens
    assert vault.exists()
    vault.remove()
    assert not vault.exists()


def test_without_a_key_or_a_keyring_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends.fail import Keyring

    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    monkeypatch.delenv("DISTRIBUTOR_KEY", raising=False)
    with pytest.raises(ActionError, match="set DISTRIBUTOR_KEY"):
        Vault(tmp_path, "x").write(Tokens(access="a"))
    assert list(tmp_path.glob("*")) == []
    monkeypatch.setenv("DISTRIBUTOR_KEY", "short")
    with pytest.raises(ActionError, match="12 characters"):
        Vault(tmp_path, "x").write(Tokens(access="a"))


def test_the_keyring_keeps_them_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backend import KeyringBackend

    kept: dict[tuple[str, str], str] = {}

    class Memory(KeyringBackend):
        priority = 5

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del kept[service, username]

    monkeypatch.delenv("DISTRIBUTOR_KEY", raising=False)
    keyring.set_keyring(Memory())  # type: ignore[no-untyped-call]
    vault = Vault(tmp_path, "x")
    assert vault.write(Tokens(access="access-secret")) == "the system's keyring"
    assert vault.exists()
    assert vault.read().access == "access-secret"
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.glob("*"))
    vault.remove()
    assert (kept, vault.exists()) == ({}, False)


# ── renewing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def ending(channel: Connected, **more: Any) -> None:
    given = {"access": "access-0", "refresh": "refresh-0", "expires": datetime.now(UTC) + timedelta(minutes=1)}
    channel.vault.write(Tokens(**{**given, **more}))


def test_a_token_that_ends_is_renewed_once_by_everybody_together(channel: Connected, server: TokenServer) -> None:
    ending(channel)
    others = [replace(channel) for _ in range(5)]

    async def all_at_once() -> list[str]:
        return list(await asyncio.gather(*(one.credential() for one in others)))

    assert run(all_at_once, *others) == ["access-1"] * 5
    assert server.issued == 1
    assert channel.vault.read().refresh == "refresh-1"


def test_an_empty_refresh_token_never_takes_the_old_one_s_place(channel: Connected, server: TokenServer) -> None:
    ending(channel)
    server.rotates = False
    assert run(channel.credential, channel) == "access-1"
    assert channel.vault.read().refresh == "refresh-0"


def test_a_lost_answer_keeps_what_was_there(channel: Connected, server: TokenServer) -> None:
    ending(channel)
    server.faults.append(lose)
    with pytest.raises(Unavailable):
        run(channel.credential, channel)
    assert channel.vault.read().refresh == "refresh-0"


def test_a_refused_refresh_asks_for_a_person(channel: Connected) -> None:
    ending(channel, refresh="refresh-revoked")
    with pytest.raises(Unauthorized, match="distributor connect"):
        run(channel.credential, channel)
    ending(channel, refresh="", expires=datetime.now(UTC) - timedelta(minutes=1))
    with pytest.raises(Unauthorized, match="has ended"):
        run(channel.credential, channel)


def test_a_token_with_time_left_is_used_as_it_is(channel: Connected, server: TokenServer) -> None:
    ending(channel, expires=datetime.now(UTC) + timedelta(hours=1))
    assert run(channel.credential, channel) == "access-0"
    assert server.received == []


def test_threads_renews_without_a_refresh_token(key: None, make_channel: Callable[..., Channel]) -> None:
    class Server(ThreadsServer):
        def answer(self, request: Received) -> Reply:
            query = parse_qs(urlsplit(request.path).query)
            if request.path.startswith("/refresh_access_token"):
                assert query["access_token"] == ["access-0"]
                return Reply.of({"access_token": "access-new", "token_type": "bearer", "expires_in": 5184000})
            if request.path.startswith("/access_token"):
                assert query["grant_type"] == ["th_exchange_token"]
                return Reply.of({"access_token": "access-long", "token_type": "bearer", "expires_in": 5184000})
            return super().answer(request)

    with Server() as server:
        made = make_channel("threads", client_id="our-app", private_network=True, api=server.url)
        assert isinstance(made, Connected)
        ending(made, refresh="", expires=datetime.now(UTC) + timedelta(days=3))
        assert run(made.credential, made) == "access-new"
        kept = made.vault.read().expires
        assert kept
        assert kept > datetime.now(UTC) + timedelta(days=59)
        assert consented(made, Tokens(access="short")).access == "access-long"


def test_facebook_keeps_the_page_s_own_token(
    key: None, make_channel: Callable[..., Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Server(FacebookServer):
        def answer(self, request: Received) -> Reply:
            if request.path.startswith("/token?"):
                return Reply.of({"access_token": "person-long", "token_type": "bearer"})
            if request.path.startswith("/me/accounts"):
                assert request.headers["authorization"] == "Bearer person-long"
                return Reply.of(
                    {"data": [{"id": "1", "access_token": "no"}, {"id": "10000003", "access_token": "page"}]}
                )
            return super().answer(request)

    with Server() as server:
        made = make_channel("facebook", client_id="our-app", private_network=True, api=server.url)
        assert isinstance(made, Connected)
        monkeypatch.setattr(type(made), "OAUTH", OAuth(authorize="", token=f"{server.url}/token", scopes=()))
        tokens = consented(made, Tokens(access="person"))
        assert (tokens.access, tokens.expires) == ("page", None)
        other = replace(made, page="77")  # type: ignore[call-arg]  # a field of the channel's own
        with pytest.raises(Unauthorized, match="does not manage"):
            consented(other, Tokens(access="person"))


def test_a_post_with_a_connection_that_expired_mid_way(
    channel: Connected, server: TokenServer, sample: Release, kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with XServer() as network:
        network.token = "access-1"  # type: ignore[misc]  # this server's own
        live = replace(channel, api=network.url)  # type: ignore[call-arg]  # a field of the channel's own
        ending(channel)
        message = live.render(sample, kit)[0]
        receipt: Receipt = run(lambda: live.deliver(message, message.recipients[0], "k" * 32), live)
        assert receipt.id
        assert live.destination.live
        assert live.destination.missing == ()
    assert "access-" not in caplog.text
    assert "refresh-" not in caplog.text


def test_what_is_not_connected_says_how(
    make_channel: Callable[..., Channel], sample: Release, kit: Any, key: None
) -> None:
    made = make_channel("x", client_id="our-app")
    assert made.destination.missing == ("connection: run 'distributor connect x'",)
    message = made.render(sample, kit)[0]
    with pytest.raises(Unauthorized, match="distributor connect x"):
        run(lambda: made.deliver(message, message.recipients[0], "k" * 32), made)


# ── in time ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ends", "refresh", "severity"),
    [
        (timedelta(days=-1), "", "error"),
        (timedelta(days=1), "", "warning"),
        (timedelta(days=13), "", "warning"),
        (timedelta(days=20), "", None),
        (timedelta(days=-1), "refresh", None),
    ],
)
def test_a_connection_that_ends_before_the_embargo_stops_scheduling(
    channel: Connected,
    sample: Release,
    sample_folder: Path,
    built_in: Any,
    config: Any,
    kit: Any,
    ends: timedelta,
    refresh: str,
    severity: str | None,
) -> None:
    lift = NOW + timedelta(days=30)
    channel.vault.write(Tokens(access="a", refresh=refresh, expires=lift + ends))
    release = sample.model_copy(update={"embargoed_until": Embargo(lift, "UTC")})
    file = ReleaseFile(release=release, path=sample_folder / "harbour-line.md", lines={}, digest="x")
    press = Press(templates=kit.templates, newsroom=kit.newsroom, networks=kit.networks)
    found = [one for one in press.preview(file, {"x": channel}, NOW).all_findings() if one.code == "connection-ends"]
    assert [one.severity for one in found] == ([severity] if severity else [])
    assert all("distributor connect x" in one.text and one.channel == "x" for one in found)


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str], oauth: OAuth, monkeypatch: pytest.MonkeyPatch) -> Cli:
    from distributor import registry, site

    root = tmp_path / "office"
    (root / "config").mkdir(parents=True)
    block = (
        '[channels.x]\ntype = "x"\nclient_id = "our-app"\nprivate_network = true\n[channels.plain]\ntype = "slack"\n'
    )
    (root / "config" / "distributor.toml").write_text(block)
    monkeypatch.setattr(registry.load_type("x", registry.types(site.Site(root))["x"]), "OAUTH", oauth)
    cli = Cli(root, capsys)
    cli.clock = FakeClock(NOW)
    return cli


def test_connect_in_the_browser(office: Cli, server: TokenServer, key: None) -> None:
    port = 48000 + int(time.time() * 1000) % 10000

    def browser() -> None:
        """What the person's browser does, once the program listens."""
        for _ in range(200):
            time.sleep(0.05)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/favicon.ico"):
                    pass
            except urllib.error.HTTPError:
                break
            except OSError:
                continue
        state = states[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/callback?code=code-1&state={state}") as page:
            assert b"close this window" in page.read()

    states: list[str] = []
    made = Flow.url.fget  # type: ignore[attr-defined]

    def noted(flow: Flow) -> str:
        url = str(made(flow))
        query = parse_qs(urlsplit(url).query)
        states.append(query["state"][0])
        server.challenge = query["code_challenge"][0]
        return url

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Flow, "url", property(noted))
        person = threading.Thread(target=browser)
        person.start()
        code, out, err = office("connect", "x", "--port", str(port), "--no-browser")
        person.join()
    assert code == 0, err
    assert re.search(r"x is connected; the tokens are in .*x\.enc", out)
    assert "access-1" not in out + err
    assert json.loads(office("doctor", "--json")[1])[0]["missing"] == []
    assert "deleted here" in office("connect", "x", "--forget")[1]
    assert "distributor connect x" in office("doctor")[1].replace("\n", " ")


def test_connect_says_what_it_cannot(office: Cli) -> None:
    code, _, err = office("connect", "plain")
    assert (code, "needs no connection" in err) == (2, True)
    assert office("connect", "nobody")[0] == 2


def test_run_and_doctor_say_it_in_time(office: Cli, key: None) -> None:
    from distributor.cli.run import Service
    from distributor.desk import Desk
    from distributor.site import Site

    clock = FakeClock(NOW)
    desk = Desk(site=Site(office.root), clock=clock)
    channel = desk.channels["x"]
    assert isinstance(channel, Connected)
    channel.vault.write(Tokens(access="a", expires=NOW + timedelta(days=20)))
    assert "x ends on" in office("doctor")[1]
    said = []
    with desk.ledger(create=True) as ledger:
        service = Service(desk=desk, ledger=ledger, stop=asyncio.Event(), until_idle=False, as_json=False)
        service.log.say = lambda event, words, **_facts: said.append((event, words))  # type: ignore[method-assign]
        for _ in range(21 * 4):
            service._watch_connections(clock.now())
            clock.step(timedelta(hours=6))
    assert [event for event, _ in said] == ["connection_ends"] * 3
    assert "distributor connect x" in said[0][1]


def test_an_address_that_is_a_credential_is_redacted() -> None:
    from distributor.redact import Redactor

    for address in (
        "https://hooks.slack.com/services/T000/B000/XXXXsecret",
        "https://discord.com/api/webhooks/123456/abc-secret_def",
        "https://api.telegram.org/bot123456:AAsecretsecretsecretsecret/sendMessage",
        "https://prod.logic.azure.com/workflows/1/invoke?api-version=1&sig=secretsecret",
        "https://graph.threads.net/refresh_access_token?grant_type=x&access_token=secret123",
    ):
        assert "secret" not in Redactor()(f"no connection to {address} now")
