"""Channels of networks that let a program in by OAuth 2: a token by reference, or a connection that was made once."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from distributor.contract import Unauthorized
from distributor.errors import ConfigError
from distributor.http import Http, Request
from distributor.posts.oauth import OAuth, renewed
from distributor.posts.social import Social
from distributor.posts.vault import Tokens, Vault
from distributor.settings import Secret

__all__ = ["Connected", "OAuth"]


@dataclass(frozen=True, kw_only=True)
class Connected(Social):
    """With `client_id`, `distributor connect` makes the connection and this renews it."""

    CREDENTIALS: ClassVar[tuple[str, ...]] = ("token", "client_id", "client_secret")
    OAUTH: ClassVar[OAuth] = OAuth(authorize="", token="", scopes=())

    token: Secret | None = None  #: an access token that does not end; or:
    client_id: str | None = None  #: the application's, from the network's developer site
    client_secret: Secret | None = None  #: where the network gave one

    def __post_init__(self) -> None:
        """Raises ConfigError for two ways in."""
        super().__post_init__()
        if self.token and self.client_id:
            raise ConfigError(f"[channels.{self.name}] token, client_id: give one of the two")

    @property
    def oauth(self) -> OAuth:
        """The network's addresses."""
        return self.OAUTH

    async def consented(self, tokens: Tokens, http: Http) -> Tokens:  # noqa: ARG002  the default keeps them
        """What to keep of what the network gave. Raises DeliveryError."""
        return tokens

    def renewal(self, tokens: Tokens) -> Request | None:  # noqa: ARG002  the default is a refresh token
        """The request for a fresh token, of a network that has no refresh tokens."""
        return None

    @property
    def vault(self) -> Vault:
        """Where the connection is kept."""
        return Vault(self.places.state / "connections", self.name)

    def missing(self) -> str | None:
        """What has to be set before it can send, or None."""
        if self.token or not self.client_id:
            return super().missing()
        if self.client_secret and (absent := self.client_secret.missing()):
            return absent
        return None if self.vault.exists() else f"connection: run 'distributor connect {self.name}'"

    @property
    def good_until(self) -> datetime | None:
        """When the connection ends for good: a login that renews itself does not."""
        if self.token or not self.client_id:
            return None
        tokens = self.vault.peek()
        return tokens.ends if tokens else None

    async def credential(self) -> str:
        """The access token, renewed where it is about to end. Raises Unauthorized, or Unavailable where the network does
        not answer.
        """
        if self.token or not self.client_id:
            return await super().credential()
        if not self.vault.exists():
            raise Unauthorized(f"[channels.{self.name}] it is not connected: run 'distributor connect {self.name}'")
        secret = self.client_secret.reveal() if self.client_secret and not self.client_secret.missing() else None
        return await renewed(self.vault, self.oauth, self.client_id, secret, self._http, self.renewal)
