"""Which server a mail is handed to, as the config names it."""

import ipaddress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from distributor.mailbox import unfit
from distributor.settings import Secret

Tls = Literal["starttls", "tls", "none"]
_SCHEMES = ("smtp", "smtps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A submission server (RFC 6409) and how to log in there."""

    host: str
    port: int
    tls: Tls
    user: str | None
    password: Secret | None = field(repr=False)

    @property
    def place(self) -> str:
        """For people; free of secrets."""
        return f"{'smtps' if self.tls == 'tls' else 'smtp'}://{self.host}:{self.port}"

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be set before it can be used."""
        if self.user and self.password is None:
            return ('password = { env = "NAME" }',)
        absent = self.password.missing() if self.password else None
        return (absent,) if absent else ()


def read(url: str, *, tls: Tls, password: Secret | None) -> Server:
    """The server that `smtp://user@host:port` or `smtps://…` names; ValueError says what is wrong, without the URL,
    since a password may stand in it.

    `smtps://` means TLS from the first byte (port 465, RFC 8314 §3.3); else port 587 with STARTTLS.
    """
    if unfit(url):
        raise ValueError("holds a control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL; write smtp://user@mail.example:587") from None
    if parts.password is not None:
        raise ValueError('holds a password; take it out and write password = { env = "NAME" }')
    if parts.scheme not in _SCHEMES or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("is not a mail server; write smtp://user@mail.example:587")
    if parts.scheme == "smtps" and tls == "none":
        raise ValueError('is smtps, which contradicts tls = "none"')
    if tls == "none" and not _is_loopback(host):
        raise ValueError('tls = "none" is for a server on this machine only: the mail and the password would be open')
    if password and not parts.username:
        raise ValueError("names no user for the password; write smtp://user@mail.example:587")
    secure: Tls = "tls" if parts.scheme == "smtps" else tls
    return Server(
        host=host,
        port=port or (465 if secure == "tls" else 587),
        tls=secure,
        user=unquote(parts.username) if parts.username else None,
        password=password,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
