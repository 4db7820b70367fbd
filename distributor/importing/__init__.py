"""Pasted or syndicated plain text → a canonical release file. Every guess names its line, and no word is lost."""

from distributor.importing.draft import Draft, draft
from distributor.importing.lines import DroppedLine, Guess

__all__ = ["Draft", "DroppedLine", "Guess", "draft"]
