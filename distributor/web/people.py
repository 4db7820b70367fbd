"""Accounts: passwords, sessions, one-time codes, tokens, and how often somebody may guess."""

import base64
import hashlib
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from distributor.errors import ActionError
from distributor.posts.vault import KEY
from distributor.store.people import Account, People
from distributor.web.kit import Person, Role

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
LINK_LASTS = timedelta(hours=24)
SHORTEST = 12  #: characters of a password
_LONGEST_PASSWORD = 1_000
_HASHER = PasswordHasher()  # argon2id with the library's parameters, RFC 9106's second recommendation
_HASHING = BoundedSemaphore(2)  # each takes 64 MiB
_SECRET = re.compile(r"[A-Z2-7]{32}")  # base32 of 160 bits
_DAY = 86_400.0
_PREFIX = "pd_"  # what a secret scanner can look for
_FEED = "calendar_"  #: what a calendar address begins with, so that it is never taken for a token


def cookie(secure: bool) -> str:  # noqa: FBT001  it is the only thing that it depends on
    """The session's cookie. `__Host-`: the browser refuses it from another host or without TLS (RFC 6265bis §4.1.3)."""
    return "__Host-desk" if secure else "desk_session"


def digest(secret: str) -> str:
    """What is stored of a secret that we drew ourselves: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


# ── names and passwords ───────────────────────────────────────────────────────────────────────────────────────────


def tidy_name(text: str) -> str:
    """A name as it is kept: one spelling for what looks the same (NFKC, lower case, single spaces). Raises ActionError for what is none."""
    name = " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
    if not name or len(name) > 64 or not all(char.isalnum() or char in " ._-@" for char in name):
        raise ActionError(
            "a name is 1 to 64 letters, digits, spaces or . _ - @, such as mira or mira@tidewater.example"
        )
    return name


def hashed(password: str, name: str = "") -> str:
    """The argon2id hash of a new password. Raises ActionError for one that is too short or no more than the name."""
    if len(password) < SHORTEST:
        raise ActionError(
            f"a password has at least {SHORTEST} characters; a few words that only you put together are good"
        )
    if len(password) > _LONGEST_PASSWORD:
        raise ActionError(f"a password has at most {_LONGEST_PASSWORD} characters")
    if len(set(password)) < 4 or (name and password.casefold().replace(name, "") in ("", "1", "123", "1234")):
        raise ActionError("that password is too easy to guess; a few words that only you put together are good")
    return _hash(password)


def _hash(password: str) -> str:
    with _HASHING:
        return _HASHER.hash(unicodedata.normalize("NFC", password))


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """A hash that takes as long to check as anybody's."""
    return _hash(secrets.token_hex(16))


def right(account: Account | None, password: str) -> bool:
    """Whether the password is the person's. Takes as long for a name that does not exist."""
    known = account.password if account and account.password and not account.disabled else None
    stored = known or _nobodys()
    try:
        with _HASHING:
            _HASHER.verify(stored, unicodedata.normalize("NFC", password[:_LONGEST_PASSWORD]))
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def rehash(store: People, account: Account, password: str) -> None:
    """Bring an old hash to today's parameters, while the password is at hand."""
    if account.password and _HASHER.check_needs_rehash(account.password):
        store.change(account.name, password=_hash(password))


# ── one-time codes (RFC 6238) ─────────────────────────────────────────────────────────────────────────────────────


def new_totp() -> str:
    """A secret of 160 bits (RFC 4226 §4) in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def is_totp(secret: str) -> bool:
    """Whether that can be a secret of `new_totp`."""
    return bool(_SECRET.fullmatch(secret))


def locked(secret: str) -> str:
    """A secret as it is stored: under the key that stands in the environment alone, so that no backup of the database gives it
    away. Raises ActionError without that key.
    """
    return _lock().encrypt(secret.encode()).decode()


def unlocked(stored: str) -> str:
    """The inverse of `locked`; raises ActionError when the key is another one, or none."""
    from cryptography.fernet import InvalidToken

    try:
        return _lock().decrypt(stored.encode()).decode()
    except InvalidToken:
        raise ActionError(f"{KEY} is another than the one that one-time codes were set up with") from None


def lacking() -> str:
    """Why no one-time codes can be set up here; empty where they can."""
    if os.environ.get(KEY):
        return ""
    return f"one-time codes need {KEY} in the desk's environment: their secrets are stored under it"


def _lock() -> "Fernet":
    from cryptography.fernet import Fernet

    if why := lacking():
        raise ActionError(why)
    phrase = os.environ[KEY]
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"desk codes\0" + phrase.encode()).digest()))


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code that is, one step of 30 s early or late allowed; None for a wrong one."""
    code = "".join(code.split())
    if not code.isdecimal() or len(code) != 6:
        return None
    totp, found = pyotp.TOTP(secret), None
    current = int(now.timestamp()) // 30
    for step in (current - 1, current, current + 1):
        if secrets.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


def code_fits(store: People, account: Account, code: str, now: datetime) -> bool:
    """Whether the code is right and was never used (RFC 6238 §5.2); True where the person has none set up."""
    if not account.totp:
        return True
    step = step_of(unlocked(account.totp), code, now)
    return step is not None and store.use_step(account.name, step)


# ── sessions, tokens, links ───────────────────────────────────────────────────────────────────────────────────────


def begin(store: People, name: str, *, address: str, now: datetime) -> str:
    """A new session; its secret, which only the browser keeps."""
    secret = secrets.token_urlsafe(32)
    store.begin(digest(secret), name, address=address, now=now, since=now - LONGEST)
    return secret


def by_session(store: People, secret: str, now: datetime, *, seen: bool = True) -> Person | None:
    """Who has that session: it ends after 12 h without a request (this is one, where it counts as `seen`), and 7 days after it
    began.
    """
    if len(secret) > 100:
        return None
    account = store.by_session(digest(secret), now, idle=IDLE, longest=LONGEST, seen=seen)
    return _person(account, account.role) if account else None


def new_token(store: People, who: Person, *, label: str, role: Role, now: datetime) -> str:
    """A new API token, to be shown once. Raises ActionError for a role above the person's own."""
    if role.rank > who.role.rank:
        raise ActionError(f"a token of yours may be at most '{who.role}'")
    secret = _PREFIX + secrets.token_urlsafe(32)
    store.add_token(digest(secret), who.name, label=label.strip()[:100] or "token", role=role, now=now)
    return secret


def by_token(store: People, secret: str, now: datetime) -> Person | None:
    """Who has that API token; with the token's role, or the person's own where that is the smaller by now."""
    if not secret.startswith(_PREFIX) or len(secret) > 100:
        return None
    found = store.by_token(digest(secret), now)
    return _person(found[0], min((Role(found[0].role), Role(found[1])), key=lambda role: role.rank)) if found else None


def new_feed(store: People, who: Person, now: datetime) -> str:
    """The secret of a calendar's address, to be shown once. It opens the calendar and nothing else."""
    secret = _FEED + secrets.token_urlsafe(32)
    store.add_token(digest(secret), who.name, label="calendar", role="calendar", now=now)
    return secret


def by_feed(store: People, secret: str, now: datetime) -> Person | None:
    """Whose calendar that is."""
    if not secret.startswith(_FEED) or len(secret) > 100:
        return None
    found = store.by_token(digest(secret), now)
    return _person(found[0], found[0].role) if found else None


def new_link(store: People, name: str, now: datetime) -> str:
    """A one-time link for somebody to set a new password, good for 24 hours; only its digest is kept."""
    secret = secrets.token_urlsafe(24)
    until = (now + LINK_LASTS).timestamp()
    store.change(name, link=digest(secret), link_until=int(until * 1_000_000))
    return secret


def _person(account: Account, role: str) -> Person:
    return Person(name=account.name, role=Role(role), lang=account.lang, zone=account.zone)


# ── guessing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Brake:
    """Makes guessing slow: after a few wrong tries each further one has to wait twice as long, per name and per address.
    Kept in memory; a right password frees the name, not the address.
    """

    free: int = 3  #: further tries at once
    longest: float = 900.0  #: seconds
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    most: int = 10_000  #: names and addresses that are remembered

    def take(self, keys: tuple[str, ...], now: float) -> float:
        """Seconds to wait before a try; 0: it may be made, and counts as wrong until `right` is said, so that a hundred tries
        at once are no way around. `now` is monotonic.
        """
        with self._lock:
            left = max((self._until(key) - now for key in keys), default=0.0)
            if left > 0:
                return left
            for key in keys:
                count, last = self._tries.pop(key, (0, now))
                self._tries[key] = (1 if now - last > _DAY else count + 1, now)
            while len(self._tries) > self.most:
                self._tries.pop(next(iter(self._tries)))
            return 0.0

    def _until(self, key: str) -> float:
        count, last = self._tries.get(key, (0, 0.0))
        return last + min(self.longest, 2.0 ** min(count - self.free, 30)) if count > self.free else 0.0

    def right(self, name: str, address: str) -> None:
        """The try that was taken last was right: the name is free, the address has one wrong try less."""
        with self._lock:
            self._tries.pop(name, None)
            count, last = self._tries.get(address, (1, 0.0))
            self._tries[address] = (max(0, count - 1), last)
