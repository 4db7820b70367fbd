"""The last config that read, kept beside the ledger: hold, cancel, kill, resume and status need it when today's does not."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from distributor import files
from distributor.site import DEFAULT_STATE, Site

_NAME = "last-good-config.json"
#: Two keys of a config that nobody can parse: they say where the ledger and its folder are.
_KEY = re.compile(r"""^\s*(state|store)\s*=\s*["']([^"'\n]+)["']""", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastGood:
    """A config that read, and when it was used last."""

    text: str
    at: str  #: ISO 8601, UTC
    path: Path  #: where it is kept


def remember(state: Path, text: str, at: str) -> None:
    """Keep a config's text in the state folder, where it is another one than before. Raises OSError."""
    known = _read(state / _NAME)
    if known is None or known.text != text:
        files.write_atomic(state / _NAME, json.dumps({"at": at, "config": text}, ensure_ascii=False).encode())


def recall(site: Site) -> LastGood | None:
    """Return the config that was kept last; None where there is none, or its folder is not known."""
    root = site.root
    if root is None:
        return None
    named = loose(site).get("state")
    states = [root / named] if named else []
    return next((found for state in [*states, root / DEFAULT_STATE] if (found := _read(state / _NAME))), None)


def loose(site: Site) -> dict[str, str]:
    """Return the keys `state` and `store` of a config that does not parse, as far as their lines can be read."""
    try:
        text = site.config_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return dict(_KEY.findall(text))


def is_the_same(site: Site) -> bool:
    """Whether today's config is the one that was kept: then it reads."""
    known = recall(site)
    try:
        return known is not None and site.config_file.read_text(encoding="utf-8-sig") == known.text
    except (OSError, UnicodeDecodeError):
        return False


def _read(path: Path) -> LastGood | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return LastGood(text=str(found["config"]), at=str(found["at"]), path=path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
