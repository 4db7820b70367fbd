"""The canonical release: what was said, by whom, and when it may be known.

Field names follow IPTC ninjs 3.1 and the wire desks' usage (docs/glossary.md). A release is immutable; an issued
correction is a new `version`.
"""

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from distributor.fields import (
    Address,
    BrokenEmbargo,
    Duration,
    Hashtags,
    Instant,
    Isin,
    Language,
    Lei,
    Line,
    Offset,
    PageUrl,
    Phone,
    Prose,
    Slug,
    Url,
    Zone,
    unsaid,
)  # fmt: skip
from distributor.quotes import Quote, quotes_in


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Kind(StrEnum):
    """What sort of release it is."""

    release = "release"
    advisory = "advisory"
    statement = "statement"
    photo_release = "photo_release"
    correction_notice = "correction_notice"


class LatePolicy(StrEnum):
    """What happens when the instant was missed by more than `catch_up_within`."""

    hold = "hold"  #: the delivery becomes `missed` and a person decides
    send = "send"  #: it goes out however late, marked late: for regulated disclosures


class Listing(_Part):
    """Where the issuer's shares are traded."""

    exchange: Line  #: MIC (ISO 10383) or name
    ticker: Line
    isin: Isin | None = None


class Issuer(_Part):
    """Who says it and answers for it."""

    name: Line
    legal_name: Line | None = None
    url: Url | None = None
    lei: Lei | None = None
    listings: tuple[Listing, ...] = ()


class Distributor(_Part):
    """The service that carries the release, as its dateline names it."""

    name: Line
    credit_line: Line | None = None


class Dateline(_Part):
    """Place and date that open the body."""

    city: Line
    region: Line | None = None
    country: Line | None = None
    date: dt.date | None = None  #: the embargo's date in its own zone unless given
    style: Literal["hk", "uk", "us-ap", "bw", "gnw", "mor"] = "hk"  #: how a wire prints it

    def place(self) -> str:
        """`HONG KONG`, `RALEIGH, North Carolina`: the city in capitals, then the region or country (AP style)."""
        where = self.region or self.country
        return ", ".join([self.city.upper(), *([where] if where and where.casefold() != self.city.casefold() else [])])


class Contact(_Part):
    """Whom journalists ask; at least an address or a number."""

    name: Line | None = None
    role: Line | None = None
    org: Line | None = None
    email: Address | None = None
    phone: Phone | None = None
    audience: Literal["media", "investor", "public"] = "media"
    embargo_only: bool = False  #: answers before the lift, and is printed in prebriefs alone

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not (self.email or self.phone):
            raise ValueError("a contact needs an email or a phone")
        return self


class Media(_Part):
    """A photo, video or document with its words."""

    file: Line | None = None  #: beside the release file
    url: Url | None = None  #: or already on the web
    kind: Literal["photo", "video", "audio", "document"] = "photo"
    caption: Prose | None = None
    alt: Prose | None = None
    credit: Line | None = None
    rights: Line | None = None
    width: Annotated[int, Field(gt=0)] | None = None
    height: Annotated[int, Field(gt=0)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class Link(_Part):
    """A web address with its words."""

    url: Url
    title: Line | None = None


class Subject(_Part):
    """What it is about, from a controlled vocabulary (IPTC Media Topics: scheme `medtop`)."""

    scheme: Line = "medtop"
    code: Line
    name: Line | None = None


class Regulatory(_Part):
    """Facts that market rules ask for (MAR Art. 7)."""

    contains_inside_information: bool = False
    regime: Line | None = None
    category: Line | None = None


class Source(_Part):
    """The version that a translation was made from."""

    id: Slug
    version: Annotated[int, Field(ge=1)] = 1


class Correction(_Part):
    """What an earlier version said wrongly."""

    version: Annotated[int, Field(ge=1)]
    severity: Literal["A", "B", "C"] = Field(alias="class")  #: A material, B minor, C formatting
    text: Prose | None = None

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.severity != "C" and not self.text:
            raise ValueError("a correction of class A or B must say what was wrong and what is right (text:)")
        return self


class Approval(_Part):
    """Who said yes, and to which bytes."""

    role: Line
    person: Line
    at: Instant
    seal: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Audience(_Part):
    """Who gets it through which channels, and how long after the lift. What is absent is as the channel's block has it."""

    name: Line
    channels: tuple[Line, ...] = Field(min_length=1)
    after: Offset | None = None
    lists: tuple[Line, ...] | None = None  #: press lists, of a channel that has them
    tags: tuple[Line, ...] | None = None  #: only members with one of these


class LanguageVersion(_Part):
    """The words of a release in one language."""

    lang: Language
    headline: Line
    subheadline: Line | None = None
    short_headline: Line | None = None  #: for social posts and text messages
    slugline: Line | None = None
    summary: Prose | None = None
    byline: Line | None = None
    dateline: Dateline | None = None
    body: str = ""  #: Markdown
    media: tuple[Media, ...] = ()
    hashtags: Hashtags = ()  #: without `#`; the order is the priority
    links: tuple[Link, ...] = ()
    boilerplate: Prose | None = None
    disclaimer: Prose | None = None
    notes_to_editors: Prose | None = None
    translation_of: Source | None = None
    page_url: PageUrl | None = unsaid()  #: its page in the office's own site, which everything links to then
    social: dict[Line, Prose] = Field(default_factory=dict)  #: channel → text that replaces the made one

    @property
    def quotes(self) -> tuple[Quote, ...]:
        """Who is quoted in the body, as far as it names them."""
        return quotes_in(self.body)


class Release(_Part):
    """One release, in one or more languages, released at one instant."""

    id: Slug
    version: Annotated[int, Field(ge=1)] = 1
    kind: Kind = Kind.release
    embargoed_until: Instant | None = None  #: absent: released when scheduled
    embargo_note: Prose | None = None
    no_embargo: Prose | None = unsaid()  #: why the text speaks of an embargo and has none
    broken_embargo: BrokenEmbargo | None = unsaid()
    display_zones: tuple[Zone, ...] = ()
    expires_at: Instant | None = None
    late: LatePolicy = LatePolicy.hold
    catch_up_within: Duration | None = None
    urgency: Annotated[int, Field(ge=1, le=9)] = 4
    issuer: Issuer
    distributor: Distributor | None = None
    contacts: tuple[Contact, ...] = ()
    subjects: tuple[Subject, ...] = ()
    keywords: tuple[Line, ...] = ()
    regions: tuple[Line, ...] = ()
    genre: Line = "Press Release"
    regulatory: Regulatory | None = None
    corrects: Correction | None = None
    social_profiles: tuple[Link, ...] = ()
    ednote: Prose | None = None  #: for editors, never published
    channels: tuple[Line, ...] = ()  #: empty: every channel that the config enables
    audiences: tuple[Audience, ...] = ()
    approvals: tuple[Approval, ...] = ()
    languages: tuple[LanguageVersion, ...] = Field(min_length=1)  #: the first is the one it was written in

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.expires_at and self.embargoed_until and self.expires_at.instant <= self.embargoed_until.instant:
            raise ValueError("expires_at must be later than embargoed_until")
        self._check_audiences()
        if self.version > 1 and not self.corrects:
            raise ValueError(f"version {self.version} must say what it corrects (corrects: version, class, text)")
        if self.corrects and self.corrects.version >= self.version:
            raise ValueError("corrects.version must be an earlier version")
        if len({text.lang for text in self.languages}) != len(self.languages):
            raise ValueError("a language version is there twice")
        return self

    def _check_audiences(self) -> None:
        """A channel has one time and one list of recipients (its block's, or one audience's)."""
        taken: dict[str, str] = {}
        for audience in self.audiences:
            for channel in audience.channels:
                if channel in taken:
                    both = f"the audiences '{taken[channel]}' and '{audience.name}'"
                    raise ValueError(f"the channel '{channel}' is in {both}: a second block of its type can carry one")
                if self.channels and channel not in self.channels:
                    raise ValueError(
                        f"'{channel}' of the audience '{audience.name}' is not among the release's channels"
                    )
                taken[channel] = audience.name

    @property
    def main(self) -> LanguageVersion:
        """The language version that the release was written in."""
        return self.languages[0]

    @property
    def zone(self) -> str:
        """The zone in which its times are shown first."""
        return self.embargoed_until.zone if self.embargoed_until else "UTC"

    def in_language(self, lang: str) -> LanguageVersion | None:
        """The version in `lang`, or the one that a reader of it can use (`zh-Hant-HK` reads `zh-Hant`)."""
        wanted = lang.casefold()
        exact = next((t for t in self.languages if t.lang.casefold() == wanted), None)
        return exact or next((t for t in self.languages if wanted.startswith(f"{t.lang.casefold()}-")), None)

    def media_contacts(self) -> Iterator[Contact]:
        """The contacts that may be printed for journalists."""
        return (contact for contact in self.contacts if contact.audience == "media" and not contact.embargo_only)


DEFAULT_CATCH_UP = dt.timedelta(minutes=15)
