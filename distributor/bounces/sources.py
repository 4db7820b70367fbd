"""Where mails that came back lie: a Maildir, an mbox file, or a folder on an IMAP server."""

import contextlib
import hashlib
import mailbox
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from distributor.errors import ActionError

#: A mail longer than this is cut to its beginning, where a report says what it has to say.
LONGEST = 5_000_000
BEGINNING = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail of a source; with `trouble` it could not be read, and stays unread."""

    place: str  #: file name, position or number: only its source knows what it means
    raw: bytes = b""
    trouble: str = ""

    @property
    def mark(self) -> str:
        """The same for every copy of the same bytes, wherever it is read."""
        return hashlib.sha256(self.raw).hexdigest()[:16]


class Source(ABC):
    """A mailbox while its `with` block runs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027  a folder and a file keep nothing open
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Most sources keep nothing open."""

    @abstractmethod
    def mails(self) -> Iterator[Mail]:
        """Every mail that nobody has read yet. Changes nothing; one that cannot be read does not stop the others."""

    def done(self, mail: Mail) -> None:  # noqa: B027  an mbox is left as it is
        """It was handled: the next run does not see it."""


@dataclass
class Maildir(Source):
    """The mails in `new/` (cr.yp.to/proto/maildir.html); a handled one moves to `cur/` as seen."""

    folder: Path

    def mails(self) -> Iterator[Mail]:
        """In the order of their names, which begin with the time."""
        for path in sorted((self.folder / "new").iterdir()):
            if path.name.startswith(".") or not path.is_file():
                continue
            try:
                with path.open("rb") as file:
                    yield Mail(place=path.name, raw=cut(file.read(LONGEST + 1)))
            except FileNotFoundError:
                continue  # a mail program has taken it meanwhile
            except OSError as error:
                yield Mail(place=path.name, trouble=f"{path} cannot be read: {error.strerror}")

    def done(self, mail: Mail) -> None:
        """Raises ActionError where the folder cannot be written."""
        base = mail.place.partition(":")[0]
        try:
            (self.folder / "cur").mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                (self.folder / "new" / mail.place).rename(self.folder / "cur" / f"{base}:2,S")
        except OSError as error:
            raise ActionError(f"cannot move a mail to {self.folder / 'cur'}: {error.strerror}") from None


@dataclass
class Mbox(Source):
    """One file with all mails, each behind a line `From …` (RFC 4155). It is only read: whoever delivers into it owns it."""

    file: Path

    def mails(self) -> Iterator[Mail]:
        """In their order."""
        box = mailbox.mbox(self.file, create=False)
        try:
            for key in box.iterkeys():
                try:
                    with contextlib.closing(box.get_file(key)) as part:
                        yield Mail(place=str(key), raw=cut(part.read(LONGEST + 1)))
                except (OSError, KeyError) as error:
                    yield Mail(place=str(key), trouble=f"mail {key} of {self.file} cannot be read: {error}")
        finally:
            box.close()


def cut(raw: bytes) -> bytes:
    """A mail of at most LONGEST bytes; of a longer one its BEGINNING."""
    return raw if len(raw) <= LONGEST else raw[:BEGINNING]
