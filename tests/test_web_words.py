"""Every word of the interface is in every catalog, once."""

import re
from collections import Counter
from pathlib import Path

import pytest

from distributor.web import words

ROOT = Path(__file__).parent.parent
SOURCES = [*ROOT.glob("templates/desk/*.html"), *ROOT.glob("distributor/web/*.py")]
SAID = re.compile(r"""\b_\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\)""")


def used() -> set[str]:
    found = {double or single for path in SOURCES for double, single in SAID.findall(path.read_text(encoding="utf-8"))}
    return {one for one in (*found, *words.SHOWN) if re.search("[A-Za-z]", one)}


@pytest.mark.parametrize("lang", [lang for lang in words.LANGUAGES if lang != "en"])
def test_every_word_is_translated(lang: str) -> None:
    assert len(used()) > 250
    words.language.set(lang)
    assert {one for one in used() if words._(one) == one} <= {"API", "Email", "Seal"}
    file = ROOT / "distributor" / "web" / "locale" / lang.replace("-", "_") / "LC_MESSAGES" / "desk.po"
    twice = Counter(re.findall(r'^msgid "(.+)"$', file.read_text(encoding="utf-8"), re.MULTILINE))
    assert [one for one, count in twice.items() if count > 1] == []
