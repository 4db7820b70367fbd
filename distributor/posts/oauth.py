"""OAuth 2 with PKCE (RFC 6749, RFC 7636, RFC 8252): the way in, and staying in."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from distributor.contract import InDoubt, Refused, Unauthorized, Unavailable
from distributor.errors import ConfigError
from distributor.http import Http, Request, raise_for
from distributor.posts.vault import Tokens, Vault
from distributor.text.said import said

#: A token that ends sooner than this is renewed before it is used.
_EARLY = timedelta(minutes=5)
_EARLY_WITHOUT = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """A network's addresses and what it has to allow."""

    authorize: str
    token: str
    scopes: tuple[str, ...]
    pkce: bool = True
    secret_in_body: bool = False  #: some networks do not read it from the header


def _client(client_id: str) -> Any:
    """Oauthlib's client: it knows what stands in each request."""
    try:
        from oauthlib.oauth2 import WebApplicationClient
    except ModuleNotFoundError:
        raise ConfigError("a connection needs oauthlib: pip install 'press-distributor[connect]'") from None
    return WebApplicationClient(client_id)


class Flow:
    """One person's consent: ask with `url`, then trade what comes back to the redirect address."""

    def __init__(self, oauth: OAuth, client_id: str, redirect: str) -> None:
        """`redirect` is http://127.0.0.1:PORT/… (RFC 8252 §7.3)."""
        self._oauth, self._redirect = oauth, redirect
        self._client = _client(client_id)
        self._state = secrets.token_urlsafe(24)
        self._verifier = self._client.create_code_verifier(64) if oauth.pkce else None

    @property
    def url(self) -> str:
        """Where the person says yes."""
        more = {}
        if self._verifier:
            challenge = self._client.create_code_challenge(self._verifier, "S256")
            more = {"code_challenge": challenge, "code_challenge_method": "S256"}
        scope = list(self._oauth.scopes)
        made = self._client.prepare_request_uri(
            self._oauth.authorize, redirect_uri=self._redirect, scope=scope, state=self._state, **more
        )
        return str(made)

    async def trade(self, answered: str, secret: str | None, http: Http, now: datetime) -> Tokens:
        """The tokens for the address that the browser was sent back to. Raises Unauthorized where it was refused or is not
        the answer to our question, Unavailable where the network does not answer.
        """
        code = _code(answered, self._state)
        body = self._client.prepare_request_body(
            code=code, redirect_uri=self._redirect, code_verifier=self._verifier, include_client_id=True
        )
        return await _ask(self._oauth, str(body), self._client.client_id, secret, http, now)


async def renewed(
    vault: Vault,
    oauth: OAuth,
    client_id: str,
    secret: str | None,
    http: Http,
    renewal: Callable[[Tokens], Request | None],
) -> str:
    """The access token of a connection; renewed first where it is about to end, by one process at a time.

    Raises Unauthorized where a person has to connect again, Unavailable where the network does not answer.
    """
    now = datetime.now(UTC)
    tokens = vault.read()
    if not _ends(tokens, now):
        return tokens.access
    async with vault.locked():
        tokens = vault.read()  # somebody renewed it while we waited
        if not _ends(tokens, now):
            return tokens.access
        if tokens.refresh:
            body = _client(client_id).prepare_refresh_body(refresh_token=tokens.refresh, client_id=client_id)
            fresh = await _ask(oauth, str(body), client_id, secret, http, now)
        elif (request := renewal(tokens)) and tokens.expires and tokens.expires > now:
            fresh = await read_tokens(request, http, now, hide=(tokens.access,))
        elif tokens.expires and tokens.expires > now:
            return tokens.access
        else:
            raise Unauthorized("the connection has ended: run 'distributor connect' for it again")
        tokens = fresh.after(tokens)
        vault.write(tokens)
    return tokens.access


def _ends(tokens: Tokens, now: datetime) -> bool:
    """Whether it is time for a new one: in the last minutes where there is a refresh token, else in the last days."""
    return tokens.expires is not None and tokens.expires - now <= (_EARLY if tokens.refresh else _EARLY_WITHOUT)


def _code(answered: str, state: str) -> str:
    found = dict(parse_qsl(urlsplit(answered).query))
    if not secrets.compare_digest(found.get("state", ""), state):
        raise Unauthorized("the browser came back with an answer to another question; try again")
    if "code" not in found:
        raise Unauthorized(f"it was refused: {said(found.get('error_description') or found.get('error') or 'no code')}")
    return found["code"]


async def _ask(oauth: OAuth, body: str, client_id: str, secret: str | None, http: Http, now: datetime) -> Tokens:
    """Ask the token address."""
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    if secret and oauth.secret_in_body:
        body += f"&{urlencode({'client_secret': secret})}"
    elif secret:
        pair = base64.b64encode(f"{quote(client_id)}:{quote(secret)}".encode()).decode()
        headers.append(("Authorization", f"Basic {pair}"))  # RFC 6749 §2.3.1
    request = Request(method="POST", url=oauth.token, headers=tuple(headers), body=body.encode())
    return await read_tokens(request, http, now, hide=(secret or "",))


async def read_tokens(request: Request, http: Http, now: datetime, *, hide: tuple[str, ...]) -> Tokens:
    """Ask for tokens. Nothing can have been posted: a lost answer is Unavailable, a refusal Unauthorized."""
    try:
        answer = await http.send(request)
        error = answer.json().get("error")
        error = error.get("message") if isinstance(error, dict) else error
        words = said(answer.json().get("error_description") or error, hide=hide)
        if answer.status in (400, 401):
            raise Unauthorized(
                f"the connection was refused ({words or answer.status}): run 'distributor connect' again"
            )
        raise_for(answer, "the token address", words)
        return _tokens(answer.json(), now)
    except InDoubt as failed:
        raise Unavailable(failed.reason) from None
    except Refused as failed:
        raise Unauthorized(failed.reason) from None


def _tokens(value: Mapping[str, object], now: datetime) -> Tokens:
    try:
        found = dict(_client("").parse_request_body_response(json.dumps(dict(value))))
    except Exception as error:  # oauthlib's own, and a warning where the scope differs
        raise Unavailable(f"the token address gave no token: {type(error).__name__}") from None
    access, refresh = str(found["access_token"]), str(found.get("refresh_token") or "")
    if not access.isascii() or not access.isprintable() or " " in access:
        raise Unavailable("the token address gave a token that cannot be one")

    def until(name: str) -> datetime | None:
        length = value.get(name)
        return now + timedelta(seconds=float(length)) if isinstance(length, int | float) else None

    return Tokens(
        access=access, refresh=refresh, expires=until("expires_in"), refresh_expires=until("refresh_token_expires_in")
    )
