"""What the text itself says about its language, and an id made of its headline."""

import hashlib
import re
import unicodedata

_KANA, _HANGUL, _HAN = (re.compile(f"[{r}]") for r in ("\u3041-\u30fa", "\uac00-\ud7af", "\u3400-\u9fff"))
#: Common characters that only one of the two scripts has, pair by pair.
_SIMPLIFIED = frozenset("们国为发说这个时会进对开关务过员长业区经总与电产动现实报记东车")
_TRADITIONAL = frozenset("們國為發說這個時會進對開關務過員長業區經總與電產動現實報記東車")
_LONGEST_ID = 60


def language(text: str) -> str:
    """A BCP 47 tag guessed by script: ja, ko, zh-Hans, zh-Hant, and en for everything else."""
    sample = text[:20_000]
    letters = sum(char.isalpha() for char in sample)
    han, kana, hangul = (len(script.findall(sample)) for script in (_HAN, _KANA, _HANGUL))
    if (han + kana + hangul) * 5 < letters or not letters:
        return "en"
    if hangul >= max(han, kana):
        return "ko"
    if kana * 10 > han:
        return "ja"
    simplified = sum(char in _SIMPLIFIED for char in sample)
    return "zh-Hans" if simplified > sum(char in _TRADITIONAL for char in sample) else "zh-Hant"


def slug(headline: str) -> str:
    """At most 60 of `a-z`, `0-9` and hyphens; a hash stands for a headline without such letters."""
    folded = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    made = ""
    for word in re.findall(r"[a-z0-9]+", re.sub(r"['’]", "", folded)):
        longer = f"{made}-{word}" if made else word[:_LONGEST_ID]
        if len(longer) > _LONGEST_ID:
            break
        made = longer
    if len(made) >= 3 and re.search(r"[a-z]", made):
        return made
    return f"release-{hashlib.sha256(headline.encode()).hexdigest()[:8]}"
