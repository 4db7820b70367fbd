"""From what a check found to the line that causes it, in the editor."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import quote

from distributor import frontmatter
from distributor.contract import Finding
from distributor.errors import ReleaseError
from distributor.frontmatter import Document
from distributor.web.drafts import MAIN, Text
from distributor.web.looks import NOWHERE

#: The address of a finding's line, from the finding and the language of the message that it is about; empty: it names no field.
LinkOf = Callable[[Finding, str], str]


def links(name: str, texts: Mapping[str, Text]) -> LinkOf:
    """Leads to `#line-N` of the main text of the release `name`, `#line-N-TAG` of a language version; to the top of the text where
    the field is not in it.
    """

    @cache
    def document(key: str) -> Document | None:
        try:
            return frontmatter.parse(texts[key].source.encode("utf-8", "replace"), NOWHERE)
        except ReleaseError:
            return None

    def link(finding: Finding, lang: str) -> str:
        if not finding.field:
            return ""
        wanted = (finding.lang or lang).casefold()
        key = next((one for one in texts if one.casefold() == wanted), MAIN)
        line = _line(document(key), finding.field)
        return f"/r/{quote(name)}#line-{line}{'' if key == MAIN else f'-{key}'}"

    return link


def _line(document: Document | None, field: str) -> int:
    if document is None:
        return 1
    if field == "body":
        return document.body_line
    parts = tuple(int(part) if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", field))
    lines = (document.lines.get(parts[:length]) for length in range(len(parts), 0, -1))
    return next((line for line in lines if line), 1)
