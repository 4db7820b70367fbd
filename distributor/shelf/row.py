"""One release in one language, as it stands among the released."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One release in one language. `published` is aware, in whole seconds."""

    guid: str
    version: int
    published: datetime
    lists: tuple[str, ...] = ()  #: such as `en` or `en/tag/ferry`
    facts: Mapping[str, str] = field(default_factory=dict)  #: the channel's own: a card, an item

    @property
    def order(self) -> tuple[datetime, str]:
        """Sorts by instant; the guid decides between equal ones, so that the same rows always give the same bytes."""
        return self.published, self.guid

    @property
    def month(self) -> str:
        """`2030-03`, in UTC."""
        return f"{self.published.astimezone(UTC):%Y-%m}"

    @property
    def name(self) -> str:
        """Begins with the instant, so that names sort as releases do, and ends with the guid's mark."""
        return f"{second(self.published)}-{mark(self.guid)}.json"

    @property
    def place(self) -> str:
        """Month and name."""
        return f"{self.month}/{self.name}"

    def as_json(self) -> bytes:
        """What `read` reads."""
        facts = {"guid": self.guid, "version": self.version, "published": self.published.isoformat()}
        whole = {**facts, "lists": list(self.lists), "facts": dict(self.facts)}
        return json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()


def mark(guid: str) -> str:
    """A file name for a guid."""
    return hashlib.sha256(guid.encode()).hexdigest()[:32]


def parse(data: bytes) -> Row | None:
    """The row that `as_json` wrote; None for anything else."""
    try:
        facts = json.loads(data)
        row = Row(
            guid=facts["guid"],
            version=int(facts["version"]),
            published=datetime.fromisoformat(facts["published"]),
            lists=tuple(facts["lists"]),
            facts={key: value for key, value in facts["facts"].items() if value.encode() is not None},
        )
        sound = row.published.tzinfo is not None and bool(row.place)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return None
    return row if sound else None


def read(path: Path) -> Row | None:
    """The row in a file; None for a torn or foreign one."""
    try:
        row = parse(path.read_bytes())
    except OSError:
        return None
    return row if row and row.place == f"{path.parent.name}/{path.name}" else None


def slug(tag: str) -> str:
    """A hashtag as the name of its page: `HarbourLine` → `harbourline`; letters of every script stay."""
    made = "".join(c if c.isalnum() or c in "-_" else "-" for c in tag.casefold())
    return made if len(made.encode()) <= 100 else mark(tag)


def second(when: datetime) -> str:
    """How the name of a row begins."""
    return f"{int(when.timestamp()):012}"
