"""Mistakes a person can mend: each names the file, line and field, and says what would be right."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

#: Known names that a message lists at most.
_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in something a person wrote."""

    text: str  #: what is wrong and what would be right
    file: str | None = None
    line: int | None = None  #: 1-based
    field: str | None = None  #: dotted path, list indexes in brackets: `media[0].caption`

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (place, self.field, self.text) if part)


class DistributorError(Exception):
    """The base of every error that is told to a person in one sentence, without a traceback."""

    exit_code = 2

    def __init__(self, *problems: Problem | str) -> None:
        """Takes at least one problem; a plain string is a problem with no place."""
        self.problems = tuple(p if isinstance(p, Problem) else Problem(text=p) for p in problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ReleaseError(DistributorError):
    """A release file cannot be read as a release."""


class ConfigError(DistributorError):
    """A site's config, channels or templates cannot be used."""


class StoreError(DistributorError):
    """The ledger cannot be opened, or belongs to a newer program."""


class NoLedger(StoreError):
    """Nothing has been scheduled yet, so there is no ledger."""


class ActionError(DistributorError):
    """What a person asked for is not possible in the present state."""


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the closest of `known`, or the list of them when nothing is close."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if not names:
        return ""
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return f" (known: {', '.join(names[:_LISTED])}{more})"
