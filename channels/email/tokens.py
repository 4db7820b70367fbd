"""What only we could have written: links that take somebody off the list, and addresses that bounces come back to.

Both are made from one secret, so that no table of tokens has to be kept: whoever cannot read the secret can make neither.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

SHORTEST = 16  #: characters of a secret
_PURPOSE = [b"distributor unsubscribe 1"]
_LONGEST = 1000  #: characters of a token; an address has at most 254
_MAC = 12  #: hex digits: a local part holds 64 characters (RFC 5321 §4.5.3.1.1)
_RETURN = re.compile(rf"(?P<box>.+)\+(?P<key>[0-9a-f]{{32}})(?P<mac>[0-9a-f]{{{_MAC}}})")


@dataclass(frozen=True)
class Tokens:
    """Tokens under one secret. The same input is the same token for ever: a mail is the same bytes at every attempt."""

    secret: str = field(repr=False)

    @cached_property
    def _siv(self) -> "AESSIV":
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        return AESSIV(hashlib.sha512(b"distributor mail key\0" + self.secret.encode()).digest())

    def leave(self, address: str, lang: str) -> str:
        """A token that names an address and a language, readable by us alone (AES-SIV, RFC 5297): no address stands in the
        log of a web server.
        """
        made = self._siv.encrypt(f"{lang}\n{address}".encode(), _PURPOSE)
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def left(self, token: str) -> tuple[str, str] | None:
        """The address and language of a token; None for what we never wrote."""
        from cryptography.exceptions import InvalidTag

        if not 22 <= len(token) <= _LONGEST or not re.fullmatch(r"[A-Za-z0-9_-]+", token):
            return None
        try:
            sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            lang, _, address = self._siv.decrypt(sealed, _PURPOSE).decode().partition("\n")
        except (InvalidTag, ValueError):
            return None
        return address, lang

    @lru_cache(maxsize=64)  # noqa: B019  one key lives as long as the process
    def mark(self, identity: str) -> str:
        """The identity of a mail, as only we can write it."""
        return hmac.new(b"distributor mail\0" + self.secret.encode(), identity.encode(), "sha256").hexdigest()

    def returns(self, mailbox: str, key: str) -> str:
        """The envelope sender of one delivery (VERP): a bounce that comes to it is about that delivery."""
        local, _, domain = mailbox.rpartition("@")
        return f"{local}+{key}{self._mac(key)}@{domain}"

    def returned(self, mailbox: str, address: str) -> str | None:
        """The key of the delivery whose envelope sender `address` is, in any case of letters; None for any other."""
        local, _, domain = address.casefold().rpartition("@")
        box, _, home = mailbox.casefold().rpartition("@")
        found = _RETURN.fullmatch(local)
        if not found or domain != home or found["box"] != box:
            return None
        return found["key"] if hmac.compare_digest(found["mac"], self._mac(found["key"])) else None

    def _mac(self, key: str) -> str:
        return hmac.new(b"distributor bounce\0" + self.secret.encode(), key.encode(), "sha256").hexdigest()[:_MAC]
