"""A Maildir on this machine (cr.yp.to/proto/maildir.html), where mails lie that have no server to go to.

A file holds the sealed bytes as they are, CRLF line ends included, so that it can be compared with what was sealed.
"""

import re
from pathlib import Path

from distributor import files
from distributor.contract import Refused

_KEY = re.compile(r"[A-Za-z0-9_-]+")


def deliver(folder: Path, key: str, wire: bytes) -> Path:
    """Put a mail into `new/` under its key, or leave it where a mail program has moved it to.

    Raises Unavailable when the disk does not take it.
    """
    if not _KEY.fullmatch(key):
        raise Refused("the delivery's key is no file name")
    if found := find(folder, key):
        return found
    path = folder / "new" / key
    files.deliver(path, wire)
    for name in ("tmp", "cur"):
        (folder / name).mkdir(exist_ok=True)
    return path


def find(folder: Path, key: str) -> Path | None:
    """The mail's file in `new/`, or in `cur/` with the flags that a mail program has added (`<key>:2,S`)."""
    if not _KEY.fullmatch(key):
        return None
    fresh = folder / "new" / key
    return fresh if fresh.is_file() else next((folder / "cur").glob(f"{key}:*"), None)
