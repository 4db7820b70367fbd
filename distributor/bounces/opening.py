"""Which source a person means: a folder, a file or a server."""

from pathlib import Path

from distributor.bounces.imap import Imap, read_url
from distributor.bounces.sources import Maildir, Mbox, Source
from distributor.errors import ActionError
from distributor.settings import Secret


def open_source(text: str, password: Secret | None = None) -> Source:
    """The Maildir, mbox file or `imaps://user@host/FOLDER` that `text` names; for an IMAP server a password by reference.

    Raises ActionError for what is none of them, naming it and the way out, and ConfigError for a secret that is not there.
    """
    if "://" in text:
        return Imap(server=read_url(text), password=password)
    path = Path(text)
    if path.is_dir():
        if not (path / "new").is_dir():
            raise ActionError(f"{path} is no Maildir: it has no folder new/; name the folder above new/ and cur/")
        return Maildir(path)
    if not path.is_file():
        raise ActionError(f"{path} is not there; name a Maildir, an mbox file, or imaps://user@mail.example/INBOX")
    try:
        with path.open("rb") as file:
            start = file.read(5)
    except OSError as error:
        raise ActionError(f"{path} cannot be read: {error.strerror}") from None
    if start not in (b"", b"From "):
        raise ActionError(f"{path} is no mbox file: its first line does not begin with 'From '; put single mails into new/ of a Maildir")  # fmt: skip
    return Mbox(path)
