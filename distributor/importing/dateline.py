"""The dateline: place, date and wire that open the first paragraph, as the wires print them."""

import re
from dataclasses import dataclass

from distributor.importing.dates import DATE, written_date

_PLACE = r"(?P<place>[^\W\d_](?:[^\n/()（）–—\-:：;!?\"“\d]|-(?=\w)){1,70}?)"
_WIRE = r"(?P<wire>[^\W\d_][\w.&' -]{1,40}?)"
_DASH = r"\s*(?:--|[-–—])\s*"
_WHEN = rf"(?P<date>{DATE})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        # HONG KONG SAR - Media OutReach Newswire - 25 January 2024 - …
        rf"{_PLACE}\s*(?:--|\s[-–—])\s*\(?{_WIRE}\)?\s*(?:--|[-–—])\s*{_WHEN}{_DASH}",
        # NEW YORK, March 16, 2025 (GLOBE NEWSWIRE) -- …    HONG KONG, Aug. 3, 2020 /PRNewswire/ -- …
        rf"{_PLACE}\s*[,，]?\s*{_WHEN}\s*[(/]\s*{_WIRE}\s*[)/](?:{_DASH}|\s+|$)",
        # RALEIGH, NC / ACCESSWIRE / December 5, 2023 / …
        rf"{_PLACE}\s*/\s*{_WIRE}\s*/\s*{_WHEN}\s*/(?:{_DASH}|\s+|$)",
        # SAN FRANCISCO--(BUSINESS WIRE)--…
        rf"{_PLACE}\s*(?:--|[–—])\s*\({_WIRE}\)\s*(?:--|[–—])\s*",
        # LONDON, 5 March 2024 – …    LONDON (5 March 2024) - …    LONDON – 5 March 2024 – …
        rf"{_PLACE}\s*(?:[,，(（]|\s[-–—]+|\s)\s*{_WHEN}\s*[)）]?{_DASH}",
        # 5 March 2024, London – …
        rf"{_WHEN}\s*(?:[,，]|\s[-–—])\s*{_PLACE}{_DASH}",
        # （香港，2024年1月25日）…    【香港2024年1月25日】…
        rf"[（(【]\s*(?P<place>[^\W\d_]{{2,12}})\s*[，,、\s]?\s*{_WHEN}\s*(?:[-–—]\s*{_WIRE})?\s*[】）)](?:{_DASH})?",
    )
)
#: LONDON – …: no date, so the place has to be in capitals.
_BARE = re.compile(r"(?P<place>[A-Z][A-Z.'’]+(?:[ ,]+[A-Z.'’]{2,}){0,3})(?:\s*--|\s+[–—])\s+(?=\S)")

#: States and provinces: postal codes, names, and the Associated Press's short forms without their full stops.
_STATE = re.compile(
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
    "|AB|BC|MB|N[BLS]|ON|PE|QC|SK|ALA|ARIZ|ARK|CALIF|COLO|CONN|DEL|FLA|ILL|IND|KAN|MASS|MICH|MINN|MISS|MONT|NEB|NEV"
    "|OKLA|ORE|TENN|TEX|WASH|WIS|WYO|ALABAMA|ALASKA|ARIZONA|ARKANSAS|CALIFORNIA|COLORADO|CONNECTICUT|DELAWARE|FLORIDA"
    "|GEORGIA|HAWAII|IDAHO|ILLINOIS|INDIANA|IOWA|KANSAS|KENTUCKY|LOUISIANA|MAINE|MARYLAND|MASSACHUSETTS|MICHIGAN"
    "|MINNESOTA|MISSISSIPPI|MISSOURI|MONTANA|NEBRASKA|NEVADA|NEW (HAMPSHIRE|JERSEY|MEXICO|YORK)|(NORTH|SOUTH) CAROLINA"
    "|(NORTH|SOUTH) DAKOTA|OHIO|OKLAHOMA|OREGON|PENNSYLVANIA|RHODE ISLAND|TENNESSEE|TEXAS|UTAH|VERMONT|VIRGINIA"
    "|WASHINGTON|WEST VIRGINIA|WISCONSIN|WYOMING|ALBERTA|BRITISH COLUMBIA|MANITOBA|NOVA SCOTIA|ONTARIO|QUEBEC"
    "|SASKATCHEWAN"
)
_KEPT = frozenset({"SAR", "UK", "USA", "US", "UAE", "PRC", "DC", "BC"})
_SMALL = frozenset({"AND", "OF", "THE", "DE", "DU", "UPON"})
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A dateline as printed and as read."""

    printed: str
    fields: dict[str, str]  #: of release.Dateline, the date in ISO 8601
    wire: str = ""  #: who carried it


def opening(text: str, *, first: bool) -> Opening | None:
    """The dateline that `text` opens with, or None. `first`: it opens the body, so that a bare city will do."""
    head = text[:_LONGEST]
    for form in (*_FORMS, *((_BARE,) if first else ())):
        found = form.match(head)
        if not found:
            continue
        parts = found.groupdict()
        fields = _place(parts["place"])
        if fields is None:
            continue
        try:
            if parts.get("date"):
                fields["date"] = written_date(parts["date"]).isoformat()
        except ValueError:
            continue  # 31 February opens no release
        return Opening(printed=found[0], fields=fields, wire=(parts.get("wire") or "").strip())
    return None


def _place(text: str) -> dict[str, str] | None:
    """City, region and country of `RALEIGH, NC` or `SHANGHAI, CHINA`; None when they are not names."""
    names = [name.strip() for name in re.split("[,，]", text) if name.strip()]
    if not 1 <= len(names) <= 3 or not all(map(_is_name, names)):
        return None
    fields = {"city": _titled(names[0])}
    for name in names[1:]:
        is_state = bool(_STATE.fullmatch(name.upper().replace(".", "")))
        key = "region" if is_state or (len(names) == 3 and name is names[1]) else "country"
        if key in fields:
            return None
        fields[key] = name if is_state and len(name) <= 2 else _titled(name)
    return fields


def _is_name(text: str) -> bool:
    words = text.split()
    return len(words) <= 5 and all(not word[0].islower() or word.upper() in _SMALL for word in words)


def _titled(name: str) -> str:
    """`HONG KONG SAR` → `Hong Kong SAR`; what is not all in capitals stays as it is."""
    return " ".join(_word(word, index) for index, word in enumerate(name.split()))


def _word(word: str, index: int) -> str:
    if not word.isupper() or word.replace(".", "") in _KEPT:
        return word
    if index and word in _SMALL:
        return word.lower()
    return "-".join(part[:1] + part[1:].lower() for part in word.split("-"))
