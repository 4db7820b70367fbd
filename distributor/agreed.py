"""What was agreed with a sealed version beyond its words, read from its snapshot: facts for status, reports and boards."""

import json
import re
from collections.abc import Mapping
from typing import Any

#: Only snapshots that hold one of these are parsed: `status` looks at every release.
_TOLD = re.compile(r'"(?:no_embargo|broken_embargo)":')


def facts(snapshot: str) -> Mapping[str, Any]:
    """The fields of a snapshot that are told wherever its deliveries are; empty where there is nothing to tell."""
    return json.loads(snapshot) if _TOLD.search(snapshot) else {}


def remarks(snapshot: str) -> list[str]:
    """What everybody who looks at the release is told, in sentences."""
    known = facts(snapshot)
    return [f"no embargo, says the author: {reason}"] if (reason := known.get("no_embargo")) else []
