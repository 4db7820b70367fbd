"""From what a check found to the line that causes it, in the editor."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from distributor import frontmatter
from distributor.contract import Finding
from distributor.errors import ReleaseError
from distributor.frontmatter import Document
from distributor.web.drafts import MAIN, Text
from distributor.web.looks import NOWHERE

#: The address of a finding's line, from the finding and the language of the message that it is about; empty: it names no field.
LinkOf = Callable[[Finding, str], str]


class Pointer:
    """Where the fields of a release stand in its texts, each read once."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        """`sources` are the texts by their key."""
        self._sources = sources
        self._read: dict[str, Document | None] = {}

    def place(self, field: str | None, lang: str | None) -> tuple[str, int | None]:
        """The text and its line that a field of one language stands on: in that language's own text, or in the main one, from
        which it takes what it does not say itself.
        """
        steps = tuple(int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", field or ""))
        wanted = (lang or MAIN).casefold()
        for key in (next((one for one in self._sources if one.casefold() == wanted), MAIN), MAIN):
            document = self._document(key)
            if document is None:
                continue
            if steps[:1] == ("body",):
                return key, document.body_line
            for end in range(len(steps), 0, -1):
                if steps[:end] in document.lines:
                    return key, document.lines[steps[:end]]
        return MAIN, None

    def _document(self, key: str) -> Document | None:
        if key not in self._read:
            try:
                self._read[key] = frontmatter.parse(self._sources[key].encode("utf-8", "replace"), NOWHERE)
            except (ReleaseError, KeyError):
                self._read[key] = None
        return self._read[key]


def links(name: str, texts: Mapping[str, Text]) -> LinkOf:
    """Leads to `#line-N` of the main text of the release `name`, `#line-N-TAG` of a language version; to the top of the text where
    the field is not in it.
    """
    pointer = Pointer({key: text.source for key, text in texts.items()})

    def link(finding: Finding, lang: str) -> str:
        if not finding.field:
            return ""
        key, line = pointer.place(finding.field, finding.lang or lang)
        return f"/r/{quote(name)}#line-{line or 1}{'' if key == MAIN else f'-{key}'}"

    return link
