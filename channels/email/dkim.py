"""DKIM signatures (RFC 6376), made when a mail is sealed: an RSA signature costs more than the rest of the mail together.

Headers and body are canonicalised `relaxed`: white space that a relay changes breaks nothing. There is no `t=`: a verifier may
ignore a signature from the future, and a mail is signed before its instant.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from . import slots

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_LEAST_BITS = 2048  #: RFC 8301 §3.2 says at least 1024 and recommends 2048
_SPACES = re.compile(rb"[ \t]+")
_UNFOLD = re.compile(rb"\r\n(?=[ \t])")
#: Signed once more than they are there, so that nobody can add another (RFC 6376 §8.15).
_SEALED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
_ALSO = ("list-id", "auto-submitted", "feedback-id")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One key under one name in the DNS: `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    key: "RSAPrivateKey | Ed25519PrivateKey" = field(repr=False)
    algorithm: str  #: `rsa-sha256` or `ed25519-sha256` (RFC 8463)

    @property
    def facts(self) -> str:
        """What is sealed of it; free of secrets."""
        return f"{self.algorithm} {self.domain} {self.selector}"

    @property
    def record(self) -> str:
        """What has to stand in the DNS at `<selector>._domainkey.<domain>` (RFC 6376 §3.6.1)."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        if self.algorithm.startswith("rsa"):
            made = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={base64.b64encode(made).decode()}"
        made = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(made).decode()}"

    def sign(self, data: bytes) -> bytes:
        """The signature over the canonical headers; the same every time."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(hashlib.sha256(data).digest())


def signer(domain: str, selector: str, pem: str) -> Signer:
    """A signer from a private key in PEM; ValueError says what is wrong, without the key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not all(_LABEL.fullmatch(label) for label in selector.split(".")):
        raise ValueError(f"'{selector}' is no selector; write it like press2026")
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(
            "is no private key in PEM without a password; make one: openssl genrsa -out dkim.pem 2048"
        ) from None
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_BITS:
            raise ValueError(f"the RSA key has {key.key_size} bits; Gmail and others trust {_LEAST_BITS} and more")
        return Signer(domain=domain, selector=selector, key=key, algorithm="rsa-sha256")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return Signer(domain=domain, selector=selector, key=key, algorithm="ed25519-sha256")
    raise ValueError("is neither an RSA nor an Ed25519 key")


def sign(signers: Sequence[Signer], top: bytes, content: bytes, values: Mapping[str, str]) -> bytes:
    """What is kept with a delivery: the hash of its body and one signature by each signer. `top` are all headers."""
    body = _body_hash(content, values)
    made, headers = body, _canonical_headers(top)
    for one in signers:
        unsigned = _field(one.facts, top, body, b"")
        data = headers + _relaxed(unsigned).rstrip(b"\r\n")
        signature = one.sign(data)
        made += len(signature).to_bytes(2, "big") + signature
    return made


def lines(facts: str, top: bytes, kept: bytes) -> bytes:
    """The DKIM-Signature headers: `facts` as they were sealed, `kept` as `sign` made it."""
    body, rest, made = kept[:32], kept[32:], b""
    for one in facts.split(", "):
        size = int.from_bytes(rest[:2], "big")
        made += _field(one, top, body, rest[2 : 2 + size])
        rest = rest[2 + size :]
    return made


def _field(facts: str, top: bytes, body: bytes, signature: bytes) -> bytes:
    algorithm, domain, selector = facts.split(" ")
    head = (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f" h={_names(top)};\r\n bh={base64.b64encode(body).decode()};\r\n b="
    )
    text = base64.b64encode(signature).decode()
    return (head + "\r\n ".join(text[at : at + 70] for at in range(0, len(text), 70)) + "\r\n").encode()


def _names(top: bytes) -> str:
    """What is signed, in order; folded."""
    there = {field.partition(b":")[0].lower().decode() for field in _fields(top)}
    names = [*(name for name in (*_SEALED, *_ALSO) if name in there), *_SEALED]
    half = (len(names) + 2) // 3
    return ":\r\n  ".join(":".join(names[at : at + half]) for at in range(0, len(names), half))


def _fields(top: bytes) -> list[bytes]:
    return _UNFOLD.sub(b"", top).split(b"\r\n")[:-1]


def _canonical_headers(top: bytes) -> bytes:
    """RFC 6376 §3.4.2. Every header of ours is there once; a name that is signed without being there adds nothing (§5.4.2)."""
    known = {field.partition(b":")[0].lower().decode(): field for field in _fields(top)}
    return b"".join(_relaxed(known[name] + b"\r\n") for name in (*_SEALED, *_ALSO) if name in known)


def _relaxed(field: bytes) -> bytes:
    name, _, value = _UNFOLD.sub(b"", field).partition(b":")
    return name.strip().lower() + b":" + _SPACES.sub(b" ", value).strip(b" \r\n") + b"\r\n"


@lru_cache(maxsize=64)
def _canonical_pieces(content: bytes) -> "tuple[hashlib._Hash, tuple[tuple[bytes, str, str], ...]]":
    """The body's pieces, canonicalised (RFC 6376 §3.4.4), the first already hashed. A slot stands between two line ends, so
    that each piece is whole lines.
    """
    made = [(_relaxed_body(fixed), letter, form) for fixed, letter, form in slots.opened(content).body]
    last, letter, form = made[-1]
    made[-1] = (last.rstrip(b"\r\n") + b"\r\n", letter, form)
    return hashlib.sha256(made[0][0]), tuple(made)


def _relaxed_body(data: bytes) -> bytes:
    return _SPACES.sub(b" ", re.sub(rb"[ \t]+(?=\r\n)", b"", data))


def _body_hash(content: bytes, values: Mapping[str, str]) -> bytes:
    first, made = _canonical_pieces(content)
    state = first.copy()
    for at, (fixed, letter, form) in enumerate(made):
        if at:
            state.update(fixed)
        if letter:
            state.update(_SPACES.sub(b" ", slots.value(values, letter, form)))
    return state.digest()
