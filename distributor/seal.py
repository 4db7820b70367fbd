"""Freezing what was previewed: the same bytes, by their digest, into the ledger and out of it again."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from distributor import destinations, early, embargo, images, zonerules
from distributor import release as release_model
from distributor.contract import Channel, Finding, MediaFile, Message, Receipt, Recipient, Tier
from distributor.embargo import Embargo
from distributor.errors import ActionError
from distributor.lifecycle import BULK, CORRECTION, KILL, Priority, PubStatus
from distributor.preview import Preview, Rendered, seal_digest
from distributor.reading import ReleaseFile
from distributor.release import LatePolicy
from distributor.store import Agreed, Attempt, Delivery, NewDelivery, Release, SealedMessage


class Refusal(ActionError):
    """Findings of severity error stop an action; nothing was written."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        """`findings` are the errors."""
        self.findings = tuple(findings)
        texts = [f"{finding.channel or 'release'}: {finding.text} [{finding.code}]" for finding in self.findings]
        super().__init__("it cannot be scheduled; nothing was written", *texts)


@cache
def _adapter() -> TypeAdapter[Message]:
    return TypeAdapter(Message)


def dump(message: Message) -> SealedMessage:
    """A message as JSON, with its bytes apart by SHA-256."""
    content = hashlib.sha256(message.content).hexdigest()
    artefacts = {content: message.content}
    media = []
    for file in message.media:
        artefacts[file.sha256] = file.data
        media.append({"name": file.name, "content_type": file.content_type, "alt": file.alt, "sha256": file.sha256})
    small = dataclasses.replace(message, content=b"", media=(), hosted=(), recipients=())
    body = {**dataclasses.asdict(small), "media": media, "content": content}
    return SealedMessage(
        channel=message.channel,
        lang=message.lang,
        body=json.dumps(body, ensure_ascii=False, sort_keys=True),
        content=content,
        artefacts=artefacts,
    )


def originals(sealed: Iterable[MediaFile]) -> dict[str, MediaFile]:
    """Return sealed files by name: of several under one name the largest picture, from which the others were made."""
    found: dict[str, MediaFile] = {}
    for file in sealed:
        known = found.get(file.name)
        if known is None or _area(file) > _area(known):
            found[file.name] = file
    return found


def _area(file: MediaFile) -> tuple[int, int]:
    """Pixels, then bytes."""
    width, height = images.size(file) or (0, 0)
    return width * height, len(file.data)


def load(body: str, artefacts: Mapping[str, bytes]) -> Message:
    """The message that `dump` froze; ValueError when an artefact is missing or not what its digest says."""
    for sha256, data in artefacts.items():
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"the sealed bytes {sha256[:12]} were changed")
    values = json.loads(body)
    try:
        values["content"] = artefacts[values["content"]]
        values["media"] = [
            {**{name: m.get(name, "") for name in ("name", "content_type", "alt")}, "data": artefacts[m["sha256"]]}
            for m in values["media"]
        ]
    except KeyError as error:
        raise ValueError(f"the sealed bytes {error} are missing") from None
    return _adapter().validate_python(values)


def release(preview: Preview, now: datetime) -> Release:
    """The sealed version's row."""
    source = preview.release
    return Release(
        id=source.id,
        version=source.version,
        digest=preview.file.digest,
        snapshot=source.model_dump_json(),
        seal=preview.digest,
        lift=preview.lift,
        zone=source.zone,
        headline=source.main.headline,
        pub_status=PubStatus.usable,
        catch_up_within=preview.catch_up_within,
        sealed_at=now,
    )


def refuse_other_than(agreed: str | None, preview: Preview) -> None:
    """ActionError where something else was looked at; None: nobody says what."""
    if agreed is not None and agreed != preview.agreed:
        raise ActionError("these are other bytes or times than the ones that were looked at: look again")


def refuse_errors(preview: Preview) -> None:
    """Refusal where a finding of severity error stops it."""
    if errors := preview.errors():
        raise Refusal(errors)


def refuse_past(preview: Preview, at: datetime | None, now: datetime) -> None:
    """ActionError for a release that would go before its embargo, or whose time is over."""
    lift = preview.release.embargoed_until
    if at and lift and at < lift.instant:
        raise ActionError(early.refusal(at, lift))
    if lift and at is None and lift.instant <= now:
        raise ActionError(
            f"the embargo was over on {lift.spelled()}: set a later embargoed_until, or release it at once ('now' as its time)"
        )
    if at and at < now - timedelta(seconds=5):
        raise ActionError(f"{embargo.spell(at, preview.release.zone)} is in the past; 'now' releases at once")


def refuse_other(known: Release, row: Release) -> None:
    """ActionError where a version that is scheduled already is not the very same."""
    if known.seal == row.seal and known.lift == row.lift:
        return
    what = "at another time" if known.digest == row.digest else "with other content"
    sealed = embargo.spell(known.sealed_at, "UTC")
    raise ActionError(
        f"'{known.id}' version {row.version} is already scheduled {what} (sealed {sealed}, {known.seal[:12]}); "
        f"cancel it first if nothing has gone out, or issue version {row.version + 1} with 'corrects:'"
    )


def refuse_other_times(rows: Iterable[Delivery], preview: Preview) -> None:
    """ActionError where a version that is scheduled already would go at other times: the bytes may be the same."""
    planned = {(row.channel, row.planned_for) for row in rows if row.kind != KILL}
    wanted = {(one.channel.name, one.due) for one in preview.rendered if one.copies}
    if other := sorted({channel for channel, _ in planned ^ wanted}):
        raise ActionError(
            f"'{preview.release.id}' version {preview.release.version} is already scheduled at another time on "
            f"{', '.join(other)}; cancel it first if nothing has gone out"
        )


def reopened(sealed: Release, at: datetime, zone: str | None) -> ReleaseFile:
    """The sealed version as a release file again, for another instant; its zone as before where none is given."""
    try:
        source = release_model.Release.model_validate_json(
            zonerules.restated(sealed.snapshot), by_alias=True, by_name=True
        )
    except ValidationError:
        raise ActionError(f"'{sealed.id}' was sealed by another version: cancel it, then schedule it again") from None
    if source.expires_at and at >= source.expires_at.instant:
        raise ActionError(f"'{sealed.id}' expires on {source.expires_at.spelled()}: it cannot go out after that")
    lift = Embargo(at, zone or sealed.zone)
    moved = source.model_copy(update={"embargoed_until": lift}) if source.embargoed_until else source
    return ReleaseFile(release=moved, path=Path(f"{sealed.id}.md"), lines={}, digest=sealed.digest)


def deliveries(preview: Preview) -> Iterator[NewDelivery]:
    """One row per recipient of every message."""
    source = preview.release
    kind = CORRECTION if source.version > 1 else "release"
    for one in preview.rendered:
        for copy in one.copies:
            identity = (source.id, str(source.version), kind, one.channel.name, copy.recipient.address)
            yield NewDelivery(
                kind=kind,
                channel=one.channel.name,
                lang=one.message.lang,
                recipient=copy.recipient.address,
                recipient_name=copy.recipient.name,
                signature=copy.recipient.signature,
                key=key(*identity),
                digest=copy.digest,
                due=one.due,
                tier=one.channel.tier,
                idempotency=one.channel.capabilities.idempotency,
                in_doubt=one.channel.in_doubt,
                priority=_priority(one),
                late_ok=one.channel.capabilities.always_publishes or source.late is LatePolicy.send,
            )


def destinations_of(preview: Preview) -> list[Agreed]:
    """Return where each channel goes, as it was shown."""
    return destinations.sealed(preview.release.id, preview.release.version, preview.channels)


def key(*identity: str) -> str:
    """The delivery's key: made at planning, the same at every attempt, safe in a file name and a header."""
    return hashlib.sha256("\x00".join(identity).encode()).hexdigest()[:32]


def _priority(one: Rendered) -> Priority:
    """What the newsroom shows first, then wires, then the press list and posts, then long lists, then what follows."""
    if one.channel.capabilities.always_publishes:
        return Priority.public
    if one.channel.capabilities.follows_public:
        return Priority.echo
    if one.channel.tier is Tier.wire:
        return Priority.wire
    return Priority.bulk if len(one.copies) > BULK else Priority.press


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether one delivery is what was previewed, and how far that could be seen."""

    delivery: Delivery
    previewed: str  #: digest of the bytes that were sealed
    sealed: str | None  #: digest of the bytes as they can be composed from the ledger now; None without the channel
    handed_over: str | None  #: digest that the delivered attempt recorded
    read_back: str | None  #: digest of the bytes found at the destination, where that is this machine

    @property
    def holds(self) -> bool:
        """Nothing that can be compared differs."""
        return all(digest in (None, self.previewed) for digest in (self.sealed, self.handed_over, self.read_back))


def prove(
    delivery: Delivery, attempts: list[Attempt], message: Message, channel: Channel | None, found: bytes | None
) -> Proof:
    """Compare what was previewed, sealed, handed over and found."""
    sent = [a.digest for a in attempts if a.delivery_id == delivery.id and a.outcome == "delivered"]
    return Proof(
        delivery=delivery,
        previewed=delivery.digest,
        sealed=_composed(delivery, message, channel),
        handed_over=sent[-1] if sent else None,
        read_back=hashlib.sha256(found).hexdigest() if found is not None else None,
    )


def _composed(delivery: Delivery, message: Message, channel: Channel | None) -> str | None:
    """The digest of the bytes for one recipient. A channel that is gone composes nothing: then the sealed bytes stand for
    themselves, where all recipients get the same.
    """
    wire = channel.compose(message, addressee(delivery)) if channel else message.content
    digest = hashlib.sha256(wire).hexdigest()
    return digest if channel or digest == delivery.digest else None


def recomputed(rows: list[Delivery]) -> str:
    """The seal's digest over the rows of a version, to compare with the one that was printed."""
    return seal_digest((row.channel, row.recipient, row.digest) for row in rows)


def addressee(row: Delivery) -> Recipient:
    """Who gets a delivery."""
    return Recipient(address=row.recipient, name=row.recipient_name, signature=row.signature)


def receipt(row: Delivery) -> Receipt:
    """The receipt of a delivered row."""
    return Receipt(id=row.remote_id or "", url=row.remote_url)
