"""The words of the interface in the person's language, from the catalogs in `locale/`."""

from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

_FOLDER = Path(__file__).parent / "locale"
#: What people may choose, by BCP 47 tag, each in its own words. Another is one line here and one catalog.
LANGUAGES = {"en": "English", "zh-Hant": "繁體中文"}
_CHINESE = ("zh-hant", "zh-tw", "zh-hk", "zh-mo", "zh")

N_ = str  #: marks a word for the catalog that is translated where it is shown
#: Words that come from data: roles, states, what a check found.
SHOWN = (
    N_("author"), N_("approver"), N_("admin"), N_("draft"), N_("scheduled"), N_("held"), N_("partly"), N_("out"),
    N_("failed"), N_("canceled"), N_("killed"), N_("planned"), N_("sending"), N_("delivered"), N_("retrying"),
    N_("refused"), N_("in_doubt"), N_("missed"), N_("stopped"), N_("overdue_hold"), N_("retried_long"),
    N_("error"), N_("warning"), N_("note"),
    N_("account"), N_("address"), N_("bounces"), N_("bucket"), N_("channel"), N_("feed"), N_("folder"), N_("hub"),
    N_("instance"), N_("network"), N_("organization"), N_("Page"), N_("place"), N_("region"), N_("room"),
    N_("sender"), N_("server"), N_("webhook"),
)  # fmt: skip

#: The language of the request that is answered.
language: ContextVar[str] = ContextVar("language", default="en")


def _(text: str) -> str:
    """`text` in the language of the request; itself where the catalog has nothing."""
    return _catalog(language.get()).get(text, text)


@lru_cache(maxsize=8)
def _catalog(lang: str) -> dict[str, str]:
    """The catalog of one language, read once; empty for English, which the program is written in."""
    path = _FOLDER / lang.replace("-", "_") / "LC_MESSAGES" / "desk.po"
    if lang not in LANGUAGES or not path.is_file():
        return {}
    with path.open("rb") as file:
        catalog = read_po(file, locale=lang.replace("-", "_"))
    return {str(one.id): str(one.string) for one in catalog if one.id and one.string and not one.fuzzy}


def accepted(header: str) -> str:
    """The first of our languages that `Accept-Language` names, by its weights (RFC 9110 §12.5.4); English without one."""
    wanted = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _sep, weight = part.strip().lower().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, tag.strip()))
        except ValueError:
            continue
    for order, _place, tag in sorted(wanted):
        if order == 0:
            continue
        if tag.split("-")[0] == "en":
            return "en"
        if tag.startswith(_CHINESE) and not tag.startswith(("zh-hans", "zh-cn", "zh-sg")):
            return "zh-Hant"
    return "en"
