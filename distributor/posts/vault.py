"""Where the tokens of a connection are kept: in the system's keyring, or in a file that only a key opens. Never plain."""

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from distributor import files
from distributor.contract import Unauthorized
from distributor.errors import ActionError

#: The environment variable with the key of the files, or, with _FILE behind it, with the path of a file that holds it.
KEY = "DISTRIBUTOR_KEY"
_SERVICE = "press-distributor"
_SALT = 16  #: bytes, at the head of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a network gave; times are UTC, None where it named none."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires: datetime | None = None
    refresh_expires: datetime | None = None

    def after(self, old: "Tokens") -> "Tokens":
        """These, with the old refresh token where no new one came: an empty one never takes its place."""
        if self.refresh:
            return self
        return Tokens(
            access=self.access, refresh=old.refresh, expires=self.expires, refresh_expires=old.refresh_expires
        )

    @property
    def ends(self) -> datetime | None:
        """When a person has to connect again."""
        return self.refresh_expires if self.refresh else self.expires


@dataclass(frozen=True, slots=True)
class Vault:
    """The connection of one channel."""

    folder: Path
    name: str

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.name}.enc"

    @property
    def _note(self) -> Path:
        """Says that the keyring has it; holds nothing secret."""
        return self.folder / f"{self.name}.keyring"

    def exists(self) -> bool:
        """Whether the channel was connected here."""
        return self._file.is_file() or self._note.is_file()

    def peek(self) -> Tokens | None:
        """The tokens, or None where they cannot be read now."""
        try:
            return self.read()
        except (Unauthorized, ActionError):
            return None

    def read(self) -> Tokens:
        """The tokens. Raises Unauthorized where they cannot be opened."""
        try:
            if self._note.is_file():
                text = _keyring().get_password(_SERVICE, self._entry)
            else:
                sealed = self._file.read_bytes()
                text = _cipher(sealed[:_SALT]).decrypt(sealed[_SALT:]).decode()
            return _load(json.loads(text or ""))
        except ActionError as error:
            raise Unauthorized(f"the connection of '{self.name}' cannot be opened: {error}") from None
        except Exception as error:
            words = f"the connection of '{self.name}' cannot be opened ({type(error).__name__}): is {KEY} the same?"
            raise Unauthorized(words) from None

    def write(self, tokens: Tokens) -> str:
        """Keep the tokens in place of what was there, all or nothing; returns where. Raises ActionError where nothing
        is set up to keep them.
        """
        text = json.dumps(_dump(tokens))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _has_key() and (ring := _usable_keyring()):
            ring.set_password(_SERVICE, self._entry, text)
            files.write_atomic(self._note, b"in the system's keyring\n")
            return "the system's keyring"
        salt = os.urandom(_SALT)
        files.write_atomic(self._file, salt + _cipher(salt).encrypt(text.encode()))
        self._file.chmod(0o600)
        self._note.unlink(missing_ok=True)
        return str(self._file)

    def remove(self) -> None:
        """Forget the connection."""
        if self._note.is_file() and (ring := _usable_keyring()):
            with contextlib.suppress(Exception):
                ring.delete_password(_SERVICE, self._entry)
        for file in (self._file, self._note):
            file.unlink(missing_ok=True)

    @property
    def _entry(self) -> str:
        return f"{self.folder.resolve()}:{self.name}"

    @contextlib.asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """One process at a time renews: a refresh token is good for one use."""
        handle = os.open(self.folder / f"{self.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _dump(tokens: Tokens) -> dict[str, Any]:
    times = {"expires": tokens.expires, "refresh_expires": tokens.refresh_expires}
    return {
        "access": tokens.access,
        "refresh": tokens.refresh,
        **{name: time.isoformat() if time else None for name, time in times.items()},
    }


def _load(value: dict[str, Any]) -> Tokens:
    times = {
        name: datetime.fromisoformat(value[name]) if value[name] else None for name in ("expires", "refresh_expires")
    }
    return Tokens(access=value["access"], refresh=value["refresh"], **times)


def _has_key() -> bool:
    return bool(os.environ.get(KEY) or os.environ.get(f"{KEY}_FILE"))


def _cipher(salt: bytes) -> Any:
    """Fernet (AES-128-CBC with HMAC-SHA256) under a key that scrypt makes of the passphrase."""
    phrase = os.environ.get(KEY, "")
    if file := os.environ.get(f"{KEY}_FILE"):
        try:
            phrase = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ActionError(f"{KEY}_FILE: {file} cannot be read: {error.strerror}") from None
    if len(phrase) < 12:
        raise ActionError(
            f"there is nowhere to keep tokens: set {KEY} to a passphrase of at least 12 characters (or {KEY}_FILE to a "
            "file that holds it), or install 'keyring' on a machine with a keyring"
        )
    return _fernet(phrase, salt)


@lru_cache(maxsize=32)
def _fernet(phrase: str, salt: bytes) -> Any:
    """Made once: scrypt takes its time on purpose, and a token is read for every post."""
    from base64 import urlsafe_b64encode

    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Fernet(urlsafe_b64encode(Scrypt(salt=salt, length=32, n=2**14, r=8, p=1).derive(phrase.encode())))


def _usable_keyring() -> Any:
    """The system's keyring, or None where there is none."""
    try:
        ring = _keyring()
        return ring if ring.get_keyring().priority >= 1 else None
    except Exception:
        return None


def _keyring() -> Any:
    import keyring

    return keyring
