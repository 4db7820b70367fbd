"""The login to a Bluesky account: made once, kept in memory, renewed when it expires.

Logins are few (30 in five minutes, 300 a day per account: docs.bsky.app, rate limits), so a new one is made only when
there is none or the old one cannot be renewed.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from distributor.contract import InDoubt, Refused, Unauthorized, Unavailable
from distributor.errors import ConfigError
from distributor.http import Answer, Http, Request, raise_for
from distributor.settings import Secret
from distributor.text.said import said

#: How a server says that a token is no (longer) good, with status 400 or 401.
_TOKEN_ERRORS = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose login it is."""

    channel: str
    pds: str
    handle: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)


class Session:
    """One account's connection and tokens."""

    def __init__(self, http: Http) -> None:
        """Logs in nowhere yet."""
        self._http = http
        self._lock = asyncio.Lock()
        self._tokens: _Tokens | None = None

    def uri(self, account: Account, answer: Answer) -> str:
        """The address of the record that was written. Raises InDoubt where the answer does not say it."""
        uri = answer.json().get("uri")
        if not isinstance(uri, str):
            raise InDoubt(f"{account.pds} answered {answer.status} without the record's URI")
        return uri

    def same(self, account: Account, answer: Answer, expected: dict[str, Any]) -> None:
        """Raises Refused where the server names an uploaded file otherwise than the sealed record does."""
        found = answer.json().get("blob")
        if not isinstance(found, dict) or found.get("ref") != expected["ref"]:
            raise Refused(f"{account.pds} names the photo otherwise than the sealed record: it was not posted")

    async def login(self, account: Account) -> None:
        """Make sure that there is a session. Raises DeliveryError."""
        await self._login(account)

    async def prepared(self, account: Account, request: Request) -> Answer:
        """Send what only prepares the post: a lost answer is Unavailable."""
        try:
            return await self.send(account, request)
        except InDoubt as error:
            raise Unavailable(error.reason) from None

    async def send(self, account: Account, request: Request) -> Answer:
        """Send a request as the account; the answer to one that succeeded. Raises DeliveryError."""
        tokens = await self._login(account)
        answer = await self._http.send(request, bearer=tokens.access)
        if answer.json().get("error") == "ExpiredToken":
            tokens = await self._renew(account, tokens)
            answer = await self._http.send(request, bearer=tokens.access)
        try:
            _raise_for(answer, account, tokens.access, tokens.refresh)
        except Unauthorized:
            self._tokens = None
            raise
        return answer

    async def _login(self, account: Account) -> _Tokens:
        async with self._lock:
            if self._tokens is None:
                self._tokens = await self._create(account)
            return self._tokens

    async def _renew(self, account: Account, stale: _Tokens) -> _Tokens:
        async with self._lock:
            if self._tokens is None or self._tokens is stale:  # else somebody renewed it while we waited
                self._tokens = None  # a refresh token is good for one use, whatever comes back
                try:
                    self._tokens = await self._ask(account, "refreshSession", bearer=stale.refresh)
                except Unauthorized:
                    self._tokens = await self._create(account)
            return self._tokens

    async def _create(self, account: Account) -> _Tokens:
        try:
            password = account.password.reveal().strip()
        except (ConfigError, OSError, UnicodeDecodeError):
            missing = account.password.missing() or "it"
            raise Unauthorized(f"[channels.{account.channel}] password: {missing} cannot be read") from None
        body = json.dumps({"identifier": account.handle, "password": password}).encode()
        return await self._ask(account, "createSession", body=body, hide=password)

    async def _ask(
        self, account: Account, method: str, *, body: bytes = b"", bearer: str | None = None, hide: str = ""
    ) -> _Tokens:
        """Ask for tokens. Nothing can have been posted: a lost answer is Unavailable, a refusal Unauthorized."""
        headers = (("Content-Type", "application/json"),) if body else ()
        url = f"{account.pds}/xrpc/com.atproto.server.{method}"
        try:
            answer = await self._http.send(Request(method="POST", url=url, headers=headers, body=body), bearer=bearer)
            _raise_for(answer, account, hide, bearer or "")
        except InDoubt as error:
            raise Unavailable(error.reason) from None
        except Refused as error:
            raise Unauthorized(error.reason) from None
        access, refresh = (str(answer.json().get(name, "")) for name in ("accessJwt", "refreshJwt"))
        if not (_is_token(access) and _is_token(refresh)):
            raise Unavailable(f"{account.pds} answered {method} without tokens")
        return _Tokens(access=access, refresh=refresh)


def _raise_for(answer: Answer, account: Account, *secrets: str) -> None:
    """Raise the outcome of a refusal with the server's sentence, any secret in it blotted out."""
    error = answer.json().get("error")
    sentence = said(answer.json().get("message"), hide=secrets) or said(error, hide=secrets)
    if error in _TOKEN_ERRORS:
        raise Unauthorized(f"{account.pds} answered {answer.status}: {sentence}")
    raise_for(answer, account.pds, sentence)


def _is_token(value: str) -> bool:
    """Whether it may stand in a header."""
    return value.isascii() and value.isprintable() and value != ""
