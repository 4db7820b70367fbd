"""A folder on an IMAP server (RFC 3501), by the standard library."""

import contextlib
import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from distributor.bounces.sources import BEGINNING, LONGEST, Mail, Source
from distributor.errors import ActionError
from distributor.mailbox import unfit
from distributor.settings import Secret
from distributor.text.said import said

_FORM = "write imaps://user@mail.example/INBOX"
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,19})")
_PATIENCE = 60.0  #: seconds for one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Which folder of which server, as the URL names it."""

    host: str
    port: int
    tls: bool
    user: str
    folder: str


def read_url(text: str) -> Server:
    """`imaps://user@host:993/FOLDER`, or `imap://` for a server on this machine; ActionError says what is wrong, without the URL,
    since a password may stand in it.
    """
    try:
        parts = urlsplit(text)
        host, port, user = parts.hostname, parts.port, unquote(parts.username or "")
        folder = unquote(parts.path.removeprefix("/")) or "INBOX"
    except ValueError:
        raise ActionError(f"the source is not a URL; {_FORM}") from None
    if parts.password is not None:
        raise ActionError("the URL holds a password; take it out and say --password-env NAME or --password-file PATH")
    if parts.scheme not in ("imap", "imaps") or not host or parts.query or parts.fragment:
        raise ActionError(f"the source is no IMAP folder; {_FORM}")
    if not user:
        raise ActionError(f"the URL names no user; {_FORM}")
    if unfit(text) or unfit(user) or unfit(folder) or not folder.isascii():
        raise ActionError("the URL holds a character that IMAP does not take; name a folder in plain letters")
    if parts.scheme == "imap" and not _is_loopback(host):
        raise ActionError("imap:// is for a server on this machine only: the password would be open; write imaps://")
    tls = parts.scheme == "imaps"
    return Server(host=host, port=port or (993 if tls else 143), tls=tls, user=user, folder=folder)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class Imap(Source):
    r"""The mails without `\Seen`; a handled one gets it. ActionError where the server does not answer or take the login."""

    server: Server
    password: Secret | None = field(default=None, repr=False)
    _line: imaplib.IMAP4 | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        """Log in and open the folder."""
        if self.password is None:
            raise ActionError("an IMAP server wants a password: --password-env NAME or --password-file PATH")
        secret = self.password.reveal()
        try:
            self._line = self._connect()
            self._login(self._line, secret)
            self._need("SELECT", *self._line.select(_quoted(self.server.folder)))
        except UnicodeError:
            self._close()
            raise self._wrong("takes no user or password beyond ASCII") from None
        except (OSError, imaplib.IMAP4.error) as error:
            self._close()
            raise self._wrong(said(str(error), hide=[secret])) from None
        except ActionError:
            self._close()
            raise
        return self

    def _connect(self) -> imaplib.IMAP4:
        host, port = self.server.host, self.server.port
        if self.server.tls:
            return imaplib.IMAP4_SSL(host, port, ssl_context=ssl.create_default_context(), timeout=_PATIENCE)
        return imaplib.IMAP4(host, port, timeout=_PATIENCE)

    def _login(self, line: imaplib.IMAP4, secret: str) -> None:
        """PLAIN (RFC 4616) carries any password; LOGIN, where it is not offered, only ASCII."""
        if "AUTH=PLAIN" in line.capabilities:
            line.authenticate("PLAIN", lambda _: f"\0{self.server.user}\0{secret}".encode())
        else:
            line.login(_quoted(self.server.user), secret)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Log out."""
        self._close()

    def _close(self) -> None:
        if self._line:
            try:
                self._line.logout()
            except (OSError, imaplib.IMAP4.error):  # the other side was faster
                with contextlib.suppress(OSError):
                    self._line.shutdown()
            self._line = None

    def mails(self) -> Iterator[Mail]:
        """In the server's order; fetched with PEEK, which marks nothing (RFC 3501 §6.4.5)."""
        try:
            found = b" ".join(_flat(self._ask("SEARCH", "UNSEEN"))).split()
        except imaplib.IMAP4.error as error:
            raise self._wrong(f"does not say what is unread: {said(str(error))}") from None
        for number in found:
            uid = number.decode("ascii", "replace")
            try:
                raw = self._fetch(uid)
            except imaplib.IMAP4.error as error:
                yield Mail(place=uid, trouble=f"mail {uid} cannot be read: {said(str(error))}")
                continue
            if raw is not None:
                yield Mail(place=uid, raw=raw)

    def _fetch(self, uid: str) -> bytes | None:
        """The mail, or the beginning of a long one; None where another program has deleted it meanwhile."""
        told = _SIZE.search(b" ".join(_flat(self._ask("FETCH", uid, "(RFC822.SIZE)"))))
        if told is None:
            return None
        piece = f"<0.{BEGINNING}>" if int(told[1]) > LONGEST else ""
        answer = self._ask("FETCH", uid, f"(BODY.PEEK[]{piece})")
        return next((part[1] for part in answer if isinstance(part, tuple)), None)

    def done(self, mail: Mail) -> None:
        """Mark it as seen; raises ActionError where the server does not."""
        try:
            self._ask("STORE", mail.place, "+FLAGS.SILENT", r"(\Seen)")
        except imaplib.IMAP4.error as error:
            raise self._wrong(f"does not mark a mail as seen: {said(str(error))}") from None

    def _ask(self, command: str, *args: str) -> list[bytes | tuple[bytes, bytes]]:
        """One command by UID. Raises imaplib's error for a refusal, ActionError for a line that is dead."""
        if self._line is None:
            raise self._wrong("is not connected")
        try:
            kind, data = self._line.uid(command, *args)
        except (OSError, imaplib.IMAP4.abort) as error:
            raise self._wrong(f"broke off: {said(str(error))}; what was handled stays so: run it again") from None
        if kind != "OK":
            raise imaplib.IMAP4.error(str(data))
        return [part for part in data if part is not None]

    def _need(self, command: str, kind: str, data: object) -> None:
        if kind != "OK":
            raise self._wrong(f"refuses {command} {self.server.folder}: {said(str(data))}")

    def _wrong(self, text: str) -> ActionError:
        return ActionError(f"{self.server.host}:{self.server.port} {text}")


def _flat(parts: list[bytes | tuple[bytes, bytes]]) -> Iterator[bytes]:
    for part in parts:
        yield part if isinstance(part, bytes) else part[0]


def _quoted(text: str) -> str:
    """A quoted string (RFC 3501 §4.3): the standard library writes names as they are."""
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
