"""What each channel will send: the release rendered, checked and digested, nothing sent."""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from distributor import embargo_check, files, history, hosting, images, landing, preflight
from distributor.contract import Channel, Earlier, Finding, Kit, MediaFile, Message, Recipient, Severity
from distributor.embargo import spell
from distributor.errors import ConfigError, DistributorError, Problem
from distributor.fields import spelled
from distributor.handles import Handle
from distributor.reading import ReleaseFile
from distributor.release import DEFAULT_CATCH_UP, Media, Release
from distributor.render import Templates
from distributor.settings import Newsroom
from distributor.store import Published

_SOON = timedelta(days=14)
_MANY = 200
#: Networks whose posts everybody reads; what stays in a room of named people (Slack, Teams, a chat) may have a prebrief.
_FOR_EVERYBODY = frozenset({"Bluesky", "Facebook", "LINE", "LinkedIn", "Mastodon", "Telegram", "Threads", "X"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One recipient's exact bytes, by their digest."""

    recipient: Recipient
    digest: str  #: SHA-256, hex
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One message of one channel, with everything a person needs to judge it."""

    channel: Channel
    message: Message
    findings: tuple[Finding, ...]
    copies: tuple[Copy, ...]
    due: datetime  #: UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A release on every channel."""

    file: ReleaseFile
    lift: datetime  #: UTC; the embargo, or the moment it is scheduled for
    lift_is_fixed: bool  #: False: nobody has said yet when it goes, so the bytes will change with the time
    findings: tuple[Finding, ...]  #: on the release itself
    rendered: tuple[Rendered, ...]
    catch_up_within: timedelta = DEFAULT_CATCH_UP  #: how late it is still sent: the release's own, else the site's
    channels: tuple[Channel, ...] = ()  #: all that carry it, also those that send nothing of it now

    @property
    def release(self) -> Release:
        """The release."""
        return self.file.release

    @property
    def digest(self) -> str:
        """One digest over every byte that would be sent; the same that `schedule` seals."""
        return seal_digest(
            (one.message.channel, copy.recipient.address, copy.digest) for one in self.rendered for copy in one.copies
        )

    @property
    def parts(self) -> dict[str, str]:
        """One digest for each message by `channel/lang`, over its time and all its copies, and one for what happens when it is
        `late`.
        """
        made = {"late": [str(self.release.late), str(self.catch_up_within)]}
        if broken := self.release.broken_embargo:
            made["embargo"] = [str(broken.until), str(self.release.embargoed_until), broken.reason]
        for one in self.rendered:
            copies = sorted(f"{copy.recipient.address}\t{copy.digest}" for copy in one.copies)
            made[f"{one.message.channel}/{one.message.lang}"] = [one.due.isoformat(), *copies]
        return {name: hashlib.sha256("\n".join(lines).encode()).hexdigest() for name, lines in made.items()}

    @property
    def agreed(self) -> str:
        """A digest over every part: what a person said yes to."""
        lines = sorted(f"{name}\t{digest}" for name, digest in self.parts.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def all_findings(self) -> list[Finding]:
        """Those of the release, then those of each channel."""
        return [*self.findings, *(finding for one in self.rendered for finding in one.findings)]

    def told(self) -> list[Finding]:
        """What whoever approves or schedules it has to see of its embargo."""
        return [finding for finding in self.findings if finding.code in embargo_check.MUST_BE_SEEN]

    def errors(self) -> list[Finding]:
        """What stops scheduling."""
        return [finding for finding in self.all_findings() if finding.severity is Severity.error]


def seal_digest(rows: Iterable[tuple[str, str, str]]) -> str:
    """SHA-256 over (channel, recipient, digest of the exact bytes), sorted."""
    lines = sorted("\t".join(row) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Press:
    """What rendering needs besides the release: templates, newsroom, limits."""

    templates: Templates
    newsroom: Newsroom
    networks: Mapping[str, Mapping[str, Any]]
    handles: Mapping[str, Handle] = field(default_factory=dict)
    catch_up_within: timedelta = DEFAULT_CATCH_UP  #: of a release that says nothing else
    languages: tuple[str, ...] = ()  #: that the site publishes in

    def preview(
        self,
        file: ReleaseFile,
        channels: Mapping[str, Channel],
        now: datetime,
        at: datetime | None = None,
        media: Mapping[str, MediaFile] | None = None,
        *,
        sample: bool = False,
        whole: bool = True,
        earlier: Sequence[Published] = (),
        pages: frozenset[str] | None = None,
        up: Mapping[tuple[str, str], Earlier] | None = None,
    ) -> Preview:
        """Render and check `file` on `channels`. A `sample` has one copy of each message: for who is writing, since a long list takes
        seconds; its digests are nobody's to agree to. Raises DistributorError when a template fails, naming channel and template.

        `whole`: these are all channels that carry it. `at` is when it goes out, where that is later than the embargo or
        there is none. `media` are sealed files by name, used in place of the folder's. `earlier` says when earlier versions went
        out, `up` which posts of theirs stand, `pages` in which languages the newsroom carries it (default: where `channels` do).
        """
        release = file.release
        embargo = release.embargoed_until.instant if release.embargoed_until else None
        lift = max(moment for moment in (embargo, at) if moment) if embargo or at else now
        rendered = []
        made = landing.pages(release, channels.values()) if pages is None else pages
        missing: list[Finding] = [*landing.findings(release, self.newsroom, channels, made)]
        for channel in channels.values():
            missing += _missing_languages(channel, release)
            due = lift + channel.after
            kit = replace(self._kit(file, due, media, made), earlier=up or {})
            kit = replace(kit, first=history.first_published(channel, release, kit, earlier))
            rendered += _render(channel, release, kit, due, sample=sample)
            missing += [*_expiry(channel, due, now), *_early(channel)]
        missing += _photos(file, media)
        return Preview(
            file=file,
            lift=lift,
            lift_is_fixed=bool(embargo or at),
            findings=(
                *preflight.check(release, now, lift if embargo or at else None, self.templates.folders),
                *history.first_day(release, earlier, lift),
                *missing,
            ),
            rendered=self._placed(rendered, whole=whole),
            channels=tuple(channels.values()),
            catch_up_within=self.catch_up_within if release.catch_up_within is None else release.catch_up_within,
        )

    def _kit(
        self, file: ReleaseFile, due: datetime, media: Mapping[str, MediaFile] | None, pages: frozenset[str]
    ) -> Kit:
        return Kit(
            templates=self.templates,
            newsroom=self.newsroom,
            lift=due,
            networks=self.networks,
            handles=self.handles,
            read_media=partial(_sealed_media, media) if media is not None else partial(read_media, file.folder),
            languages=self.languages,
            pages=pages,
        )

    def _placed(self, rendered: Sequence[Rendered], *, whole: bool) -> tuple[Rendered, ...]:
        """Give the files that messages name by their address to a channel that makes them public."""
        base = self.newsroom.url.rstrip("/")
        found = [hosting.Placed(channel=one.channel, message=one.message, due=one.due) for one in rendered]
        placed = hosting.place(found, lambda file: f"{base}/{file.address}", whole=whole)
        return tuple(
            replace(one, message=new.message, findings=(*one.findings, *new.findings))
            for one, new in zip(rendered, placed, strict=True)
        )


def _render(channel: Channel, release: Release, kit: Kit, due: datetime, *, sample: bool) -> list[Rendered]:
    try:
        messages = [landing.awaited(channel, release, kit, message) for message in channel.render(release, kit)]
    except DistributorError as error:
        places = [replace(p, field=f"[channels.{channel.name}]") for p in error.problems]
        raise type(error)(*places) from error
    except Exception as error:
        where = f"[channels.{channel.name}]"
        raise ConfigError(Problem(text=f"rendering fails: {type(error).__name__}: {error}", field=where)) from error
    return [
        Rendered(
            channel=channel,
            message=message,
            findings=tuple(replace(finding, channel=channel.name) for finding in channel.check(message)),
            copies=_copies(channel, message, 1 if sample else None),
            due=due,
        )
        for message in messages
    ]


def _missing_languages(channel: Channel, release: Release) -> list[Finding]:
    """A channel that lacks its language sends nothing: a warning, and an error where the release names the channel."""
    return [
        Finding(
            severity=Severity.error if channel.name in release.channels else Severity.warning,
            code="language-missing",
            text=f"the release has no {lang} version: nothing goes out here in {lang}",
            field="lang",
            channel=channel.name,
        )
        for lang in channel.languages
        if not release.in_language(lang)
    ]


def _early(channel: Channel) -> list[Finding]:
    """A prebrief is for named recipients: what everybody can read never goes before the lift, whatever the config says."""
    able = channel.capabilities
    everybody = able.always_publishes or able.follows_public or getattr(channel, "NETWORK", "") in _FOR_EVERYBODY
    if channel.after >= timedelta() or not everybody:
        return []
    text = f"everybody can read it, and it would go {spelled(-channel.after)} before the embargo"
    return [Finding(severity=Severity.error, code="public-before-lift", text=text, field="after", channel=channel.name)]


def _expiry(channel: Channel, due: datetime, now: datetime) -> list[Finding]:
    """A login that ends before it is needed is an error; one that ends soon after is a warning, 14 days before."""
    ends = channel.good_until
    if ends is None or ends - max(due, now) > _SOON:
        return []
    again = f"its connection ends on {spell(ends, 'UTC')}: run 'distributor connect {channel.name}'"
    late = ends <= due
    return [
        Finding(
            severity=Severity.error if late else Severity.warning,
            code="connection-ends",
            text=f"{again}, or this will not go out" if late else again,
            channel=channel.name,
        )
    ]


def _photos(file: ReleaseFile, sealed: Mapping[str, MediaFile] | None) -> list[Finding]:
    """An error for every photo that nobody could look at. Photos that were sealed were looked at then."""
    listed = {media.file: media for text in file.release.languages for media in text.media if media.kind == "photo"}
    return [
        Finding(severity=Severity.error, code="photo-unreadable", text=f"the photo '{name}' {fault}", field="media")
        for name, media in listed.items()
        if name and sealed is None and (fault := images.fault(read_media(file.folder, media)))
    ]


def _copies(channel: Channel, message: Message, most: int | None) -> tuple[Copy, ...]:
    """Signing long lists takes every core: what signs lets go of the interpreter."""
    recipients = message.recipients[:most]
    if len(recipients) < _MANY:
        return tuple(_copy(channel, message, recipient) for recipient in recipients)
    with ThreadPoolExecutor() as pool:
        return tuple(pool.map(partial(_copy, channel, message), recipients))


def _copy(channel: Channel, message: Message, recipient: Recipient) -> Copy:
    if signature := channel.endorse(message, recipient):
        recipient = replace(recipient, signature=signature)
    wire = channel.compose(message, recipient)
    return Copy(recipient=recipient, digest=hashlib.sha256(wire).hexdigest(), size=len(wire))


def read_media(folder: Path, media: Media) -> MediaFile:
    """The bytes of a release's media file; raises ConfigError when it left the folder since it was read."""
    path = files.inside(folder, media.file or "")
    if path is None or not path.is_file():
        raise ConfigError(Problem(text=f"the media file '{media.file}' is not in {folder}", field="media"))
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return MediaFile(name=path.name, content_type=kind, data=path.read_bytes())


def _sealed_media(sealed: Mapping[str, MediaFile], media: Media) -> MediaFile:
    found = sealed.get(Path(media.file or "").name)
    if found is None:
        raise ConfigError(Problem(text=f"'{media.file}' was not sealed: cancel, then schedule again", field="media"))
    return found
