"""Who gets a mail: counted once, when it is sealed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distributor import presslist
from distributor.contract import Recipient, Tier
from distributor.mailbox import Mailbox
from distributor.presslist import Suppressions


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The recipients, and how they came to be so many."""

    recipients: tuple[Recipient, ...]
    listed: int
    duplicates: int
    suppressed: int
    invalid: int
    others: int  #: another language, tag or tier

    @property
    def equation(self) -> str:
        """`412 listed − 3 duplicates − 7 suppressed − 2 invalid − 0 others = 400 to send`."""
        parts = f"{self.duplicates} duplicates − {self.suppressed} suppressed − {self.invalid} invalid"
        return f"{self.listed} listed − {parts} − {self.others} others = {len(self.recipients)} to send"


def gather(
    named: Sequence[Mailbox],
    lists: Iterable[Path],
    *,
    lang: str,
    langs: Sequence[str],
    tags: Sequence[str],
    tier: Tier,
    suppressions: Suppressions,
) -> Audience:
    """Those named in the config and the members of the lists that this mail, in `lang`, is for; `langs` are all that the
    release has here, the first one for who named none. Raises ActionError for a missing list.
    """
    found: dict[str, Recipient] = {}
    listed = duplicates = suppressed = invalid = others = 0
    wanted = {tag.casefold() for tag in tags}
    people = [(box.address, box.name, lang == langs[0]) for box in named]
    for file in lists:
        listing = presslist.read(file)
        invalid += len(listing.refused)
        duplicates += len(listing.duplicates)
        listed += len(listing.refused) + len(listing.duplicates)
        people += [
            (one.address, one.name, _is_for(one, wanted, tier) and _version(one.language, langs) == lang)
            for one in listing.members
        ]
    known = suppressions.all()
    for address, name, meant in people:
        listed += 1
        key = address.casefold()
        if key in found:
            duplicates += 1
        elif not meant:
            others += 1
        elif key in known:
            suppressed += 1
        else:
            found[key] = Recipient(address=address, name=name)
    return Audience(
        recipients=tuple(found.values()),
        listed=listed,
        duplicates=duplicates,
        suppressed=suppressed,
        invalid=invalid,
        others=others,
    )


def _is_for(one: presslist.Member, tags: set[str], tier: Tier) -> bool:
    tagged = not tags or bool(tags & set(one.tags.split()))
    return tagged and (tier is not Tier.prebrief or one.tier == "prebrief")


def _version(wanted: str, langs: Sequence[str]) -> str | None:
    """Which language version somebody reads: a `zh` the first Chinese one."""
    return (
        langs[0] if not wanted else next((one for one in langs if one.casefold().startswith(wanted.casefold())), None)
    )
