"""What the JSON API answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import Field

from distributor import agreed, approving
from distributor.desk.confirming import Diverted
from distributor.lifecycle import PubStatus, State
from distributor.preview import Preview
from distributor.store import Delivery, Release
from distributor.web.api.asked import Part
from distributor.web.listing import Row, Status


class Shown(Part):
    """One release or draft."""

    id: str
    file: str | None = Field(description="its name in releases/, without the ending")
    headline: str
    status: Status
    embargoed_until: datetime | None
    zone: str = Field(description="IANA; the one that its times are written in")
    channels: list[str]
    version: int
    deliveries: dict[State, int] = Field(description="how many in each state")

    @classmethod
    def of(cls, row: Row) -> Self:
        """As the list has it."""
        facts = {"id": row.id, "file": row.name or None, "headline": row.headline, "status": row.status}
        return cls(
            **facts,
            embargoed_until=row.lift,
            zone=row.zone,
            channels=list(row.channels),
            version=row.version,
            deliveries=dict(row.counts),
        )


class Page(Part):
    """One page of the list."""

    releases: list[Shown]
    total: int
    page: int
    pages: int


class Found(Part):
    """One finding of a check."""

    severity: str
    code: str
    text: str
    field: str | None
    channel: str | None


class Sent(Part):
    """One message as it would be sent."""

    channel: str
    lang: str
    due: datetime
    title: str
    text: str
    place: str
    live: bool = Field(description="whether it leaves this machine")
    recipients: int


class Previewed(Part):
    """What each channel would send."""

    release: str
    version: int
    lift: datetime
    lift_is_fixed: bool = Field(description="false: nobody has said yet when it goes")
    seal: str = Field(description="digest over every byte; the one that is sealed by schedule")
    agreed: str = Field(description="digest over the seal and over when each message goes: what one says yes to")
    findings: list[Found]
    messages: list[Sent]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Without the messages' HTML."""
        found = [
            Found(
                severity=one.severity,
                code=one.code,
                text=one.text,
                field=one.field or None,
                channel=one.channel or None,
            )
            for one in preview.all_findings()
        ]
        messages = [
            Sent(
                channel=one.message.channel,
                lang=one.message.lang,
                due=one.due,
                title=one.message.title,
                text=one.message.text,
                place=one.channel.place(one.message),
                live=one.channel.destination.live,
                recipients=len(one.copies),
            )
            for one in preview.rendered
        ]
        return cls(
            release=preview.release.id,
            version=preview.release.version,
            lift=preview.lift,
            lift_is_fixed=preview.lift_is_fixed,
            seal=preview.digest,
            agreed=preview.agreed,
            findings=found,
            messages=messages,
        )


class Elsewhere(Part):
    """A channel that leads elsewhere than was agreed when the release was sealed."""

    channel: str
    version: int
    deliveries: int = Field(description="that wait for it")
    differences: list[dict[str, str]] = Field(description="what, agreed, now")
    agreed: str = Field(description="the token to agree with")
    confirmed: bool


class Places(Part):
    """The channels of a release that lead elsewhere than agreed."""

    release: str
    channels: list[Elsewhere]

    @classmethod
    def of(cls, release: str, found: Iterable[Diverted]) -> Self:
        """As the desk has them."""
        rows = [
            Elsewhere(
                channel=one.agreed.channel,
                version=one.agreed.version,
                deliveries=one.number,
                differences=[{"what": what, "agreed": then, "now": now} for what, then, now in one.differences],
                agreed=one.token,
                confirmed=one.done,
            )
            for one in found
        ]
        return cls(release=release, channels=rows)


class Scheduled(Part):
    """What was sealed."""

    release: str
    version: int
    seal: str
    already: bool = Field(description="the very same was scheduled before; nothing changed")
    remarks: list[str] = Field(description="what was agreed beyond its words, such as that its embargo is broken")


class Approved(Part):
    """Who said yes to exactly these bytes and times, and what differs from what was approved last."""

    release: str
    version: int
    seal: str
    agreed: str
    approved_by: list[str]
    remarks: list[str] = Field(description="what is agreed beyond the words, such as that the embargo is broken")
    changed: list[str] = Field(description="channel/lang of what is another than what was approved last")

    @classmethod
    def of(cls, preview: Preview, standing: approving.Standing) -> Self:
        """As the ledger has it."""
        return cls(
            release=preview.release.id,
            version=preview.release.version,
            seal=preview.digest,
            agreed=preview.agreed,
            remarks=agreed.remarks(preview.release.model_dump_json()),
            approved_by=sorted({one.who for one in standing.valid}),
            changed=list(standing.changed),
        )


class Again(Part):
    """What is tried again."""

    release: str
    deliveries: dict[str, int] = Field(description="how many on each channel")


class Withdrawn(Part):
    """What a kill takes back, and what it cannot."""

    release: str
    taken_back: dict[str, int] = Field(description="deliveries that are being taken back, by channel")
    left: dict[str, int] = Field(description="deliveries that cannot be, by channel: tell those who have them")
    to_do: dict[str, str] = Field(description="what a person does about each of those channels")


class Moved(Part):
    """What an action did."""

    release: str
    version: int
    deliveries: int = Field(description="how many it moved")


class OneDelivery(Part):
    """One message to one recipient."""

    channel: str
    recipient: str
    state: State
    due: datetime
    attempts: int
    sent_at: datetime | None
    url: str | None
    reason: str | None

    @classmethod
    def of(cls, row: Delivery) -> Self:
        """As the ledger has it."""
        names = ("channel", "recipient", "state", "due", "attempts", "sent_at", "reason")
        return cls(**{name: getattr(row, name) for name in names}, url=row.remote_url)


class Settled(Part):
    """What is in doubt no more."""

    release: str
    deliveries: list[OneDelivery]


class Deliveries(Part):
    """How one release stands."""

    release: str
    version: int
    lift: datetime
    zone: str
    pub_status: PubStatus
    remarks: list[str] = Field(description="what was agreed beyond its words, such as why it has no embargo")
    deliveries: list[OneDelivery]

    @classmethod
    def of(cls, release: Release, rows: Iterable[Delivery]) -> Self:
        """As the ledger has it."""
        return cls(
            release=release.id,
            version=release.version,
            lift=release.lift,
            zone=release.zone,
            pub_status=release.pub_status,
            remarks=agreed.remarks(release.snapshot),
            deliveries=[OneDelivery.of(row) for row in rows],
        )


class Report(Part):
    """How every version of one release stands, the newest first."""

    versions: list[Deliveries]


class Standing(Part):
    """How the site stands."""

    now: datetime
    releases: dict[Status, int]
    ok: bool  #: nothing needs a person
    troubles: list[str]


class Problem(Part):
    """One sentence for a person, and where it belongs."""

    text: str
    file: str | None = None
    line: int | None = None
    field: str | None = None


class Errors(Part):
    """Why it was not done; nothing was written."""

    errors: list[Problem]
