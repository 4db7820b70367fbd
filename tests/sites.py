"""Sites for tests: the channel of docs/channel.md, and boxes that record every delivery with its time."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

DOC = Path(__file__).parent.parent / "docs" / "channel.md"

BOX = '''
"""A channel for tests: appends one line per delivery to a file, and does what its block says."""

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from distributor.contract import (
    AlreadyThere, Capabilities, Channel, Destination, Finding, Idempotency, InDoubt, Kit, Message, Receipt, Recipient,
    Refused, Throttled, Unavailable, public,
)
from distributor.http import Http, Request
from distributor.release import Release


@dataclass(frozen=True, kw_only=True)
class Box(Channel):
    TYPE: ClassVar[str] = "box"
    log: str
    to: tuple[str, ...] = ()
    fault: str = ""
    fault_file: str = ""
    gate: str = ""  # nothing is answered before this file is there
    idempotency: str = "D"
    seconds: float = 0.0
    always: bool = False
    lifetime: float = 0.0
    room: int = 0
    until: str = ""
    url: str = ""
    live: bool = False
    follows: bool = False
    _http: Http = field(default_factory=Http, init=False, repr=False, compare=False)
    _file: list = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def concurrency(self) -> int:
        return self.room or super().concurrency

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(idempotency=Idempotency(self.idempotency), always_publishes=self.always, follows_public=self.follows, key_lifetime=timedelta(seconds=self.lifetime) if self.lifetime else None)

    @property
    def destination(self) -> Destination:
        return Destination(live=self.live, place=self.log)

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        return [
            Message(
                channel=self.name, type=self.TYPE, lang=text.lang, content=text.headline.encode(),
                content_type="text/plain", filename="box.txt", title=text.headline, text=text.headline,
                recipients=tuple(Recipient(address=a) for a in self.to) or public(text),
            )
            for text in self.texts(release)
        ]

    def check(self, message: Message) -> Iterable[Finding]:
        return ()

    def _line(self, *words: str) -> None:
        if not self._file:
            self._file.append(open(self.log, "ab", buffering=0))
        self._file[0].write((" ".join([repr(time.time()), *words]) + "\\n").encode())

    async def close(self) -> None:
        await self._http.close()
        while self._file:
            self._file.pop().close()

    def _written(self, key: str) -> bool:
        lines = Path(self.log).read_text().splitlines() if os.path.exists(self.log) else []
        return any(line.split()[1] == "written" and line.endswith(key) for line in lines)

    async def prepare(self) -> None:
        self._line("prepared", "nobody", "0")

    async def reconcile(self, message: Message, recipient: Recipient, key: str, since: datetime) -> Receipt | None:
        self._line("looked", recipient.address, key)
        if self.fault == "deaf":
            raise ValueError("cannot be asked")
        return Receipt(id=f"{self.name}/{key}") if self._written(key) else None

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:
        if self.idempotency == "B" and self._written(key):
            raise AlreadyThere("there already", receipt=Receipt(id=f"{self.name}/{key}"))
        if self.url:
            headers = (("Idempotency-Key", key),)
            answer = await self._http.send(Request(method="POST", url=self.url, headers=headers, body=message.content))
            return Receipt(id=f"{self.name}/{key}", detail=str(answer.status))
        self._line("begin", recipient.address, key)
        fault = self.fault
        if self.fault_file and os.path.exists(self.fault_file):
            fault = Path(self.fault_file).read_text().strip()
        if fault == "kill-before":
            os.kill(os.getpid(), 9)
        await asyncio.sleep(self.seconds)
        while self.gate and not os.path.exists(self.gate):
            await asyncio.sleep(0.01)
        if fault == "unavailable":
            raise Unavailable("nobody there")
        if fault == "throttled":
            raise Throttled("slow down", until=datetime.fromisoformat(self.until) if self.until else None)
        if fault.startswith("https:"):
            raise ValueError(f"cannot reach {fault}")
        if fault == "lost":
            raise InDoubt("nobody knows")
        if fault == "refused":
            raise Refused("not this text")
        if fault == "bug":
            raise ValueError("a bug in the plug-in")
        self._line("written", recipient.address, key)
        if fault == "kill-after":
            os.kill(os.getpid(), 9)
        if fault == "in-doubt":
            raise InDoubt("the answer was lost")
        return Receipt(id=f"{self.name}/{key}", detail="ok")


CHANNEL: type[Channel] = Box
'''

RELEASE = """\
---
id: three-piers
embargoed_until: {lift}
headline: Three piers reopen
summary: Three piers reopen.
issuer: {{name: Harbour Board}}
dateline: {{city: Hong Kong}}
contacts:
  - {{name: Wan, email: press@harbour.example}}
---
The piers reopen.
"""


def doc_blocks(language: str) -> list[str]:
    """The code blocks of docs/channel.md in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", DOC.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


#: The store of the sites that are made; empty: SQLite in the site.
store = ""


def make(root: Path, channels: str) -> Path:
    """A site with the box channel type and the given [channels.*] blocks."""
    (root / "config").mkdir(parents=True)
    (root / "channels").mkdir()
    (root / "templates").mkdir()
    (root / "channels" / "box.py").write_text(BOX)
    return configure(root, channels)


def configure(root: Path, channels: str) -> Path:
    """Give a site other channels."""
    places = f'[places]\nstore = "{store}"\n' if store else ""
    (root / "config" / "distributor.toml").write_text(places + channels)
    return root


def box(root: Path, name: str = "box", /, **keys: object) -> str:
    """One [channels.NAME] block of type box, logging to NAME.log."""
    lines = [f"[channels.{name}]", 'type = "box"', f'log = "{root / name}.log"']
    lines += [f"{key} = {_toml(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(list(value)) if isinstance(value, list | tuple) else repr(value)


def release(folder: Path, lift: datetime | None, name: str = "piers", **changes: str) -> Path:
    """A small release that is complete, with an embargo at `lift`."""
    text = RELEASE.format(lift=lift.isoformat() if lift else "")
    for old, new in changes.items():
        text = text.replace(old, new)
    path = folder / f"{name}.md"
    path.write_text(text.replace("three-piers", name if name != "piers" else "three-piers"))
    return path


def log(root: Path, name: str = "box", word: str = "written") -> list[tuple[float, str, str]]:
    """What the box recorded: (time, recipient, key)."""
    path = root / f"{name}.log"
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [(float(when), who, key) for when, what, who, key in rows if what == word]


@contextlib.contextmanager
def database(root: Path) -> Iterator[sqlite3.Connection]:
    """The ledger's file as another program has it open. Commit at the end, and close it even
    after an error: `with sqlite3.connect(…)` alone does not close.
    """
    with contextlib.closing(sqlite3.connect(root / "var" / "distributor.db")) as db, db:
        yield db
