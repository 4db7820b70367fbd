"""Passwords: hashed by argon2 (RFC 9106), and how fast somebody may guess."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from typing import Any

SHORTEST = 12  #: characters (NIST SP 800-63B asks for 8 at least; nobody has to change them)
LONGEST = 200
_FREE = 5  #: guesses before anybody waits
_LONGEST_WAIT = 900.0  #: seconds
_KEPT = 10_000


@cache
def _hasher() -> Any:
    from argon2 import PasswordHasher

    return PasswordHasher()


def hashed(password: str) -> str:
    """The text that is stored."""
    return str(_hasher().hash(password))


def right(stored: str | None, password: str) -> bool:
    """Whether it is the password; takes as long for somebody who is not known (`stored` None)."""
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        _hasher().verify(stored or _nobody(), password)
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobody() -> str:
    return hashed("nobody has this password")


@dataclass
class Guesses:
    """How often somebody guessed wrong, by name and by address: each guess more waits twice as long."""

    _wrong: "OrderedDict[str, tuple[int, float]]" = field(default_factory=OrderedDict, init=False)

    def wait(self, keys: tuple[str, ...], now: float) -> float:
        """Seconds until another guess is looked at (`now`: monotonic)."""
        return max(0.0, *(self._until(key) - now for key in keys))

    def _until(self, key: str) -> float:
        count, last = self._wrong.get(key, (0, -math.inf))
        return last + min(2.0 ** (count - _FREE), _LONGEST_WAIT) if count >= _FREE else -math.inf

    def wrong(self, keys: tuple[str, ...], now: float) -> None:
        """One guess was wrong."""
        for key in keys:
            self._wrong[key] = (self._wrong.pop(key, (0, 0.0))[0] + 1, now)
        while len(self._wrong) > _KEPT:
            self._wrong.popitem(last=False)

    def right(self, keys: tuple[str, ...]) -> None:
        """Somebody came in."""
        for key in keys:
            self._wrong.pop(key, None)
