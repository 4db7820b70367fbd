"""Pasted or syndicated plain text in, a canonical release file out. Every guess names its line, and no word is lost.

Pure functions without I/O. `draft` never fails on a text: what nobody recognises stays in the body.
"""

from distributor.importing.draft import Draft, draft
from distributor.importing.lines import LOST_LINK, DroppedLine, Guess

__all__ = ["LOST_LINK", "Draft", "DroppedLine", "Guess", "draft"]
