"""A release that was edited after it was scheduled: told, and put in the place of the old text in one action."""

from dataclasses import dataclass, replace
from pathlib import Path

from distributor import approving, audiences, early, inputs, seal, standing, zonerules
from distributor import release as source
from distributor.desk.asking import Asking
from distributor.errors import ActionError, ConfigError, DistributorError
from distributor.lifecycle import KILL, STOPPED, WAITING
from distributor.preview import Preview
from distributor.reading import ReleaseFile
from distributor.store import Delivery, Ledger, Release, approvals
from distributor.store import destinations as places

_OPEN = (*WAITING, *STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A scheduled version that is not what its file, photos, templates and house facts make now."""

    release_id: str
    version: int
    channels: tuple[str, ...]  #: those on which it reads otherwise, or goes to others, or at another time
    left: bool  #: something of it left already: then what changed is a correction
    file: Path
    wrong: str = ""  #: why the file cannot be read now

    @property
    def sentence(self) -> str:
        """What is so, and what to do."""
        what = f"the scheduled version of '{self.release_id}' is the OLD TEXT"
        if self.wrong:
            return f"{what}: its file cannot be read now ({self.wrong})"
        where = f"{what}: {self.file.name} makes something else now on {', '.join(self.channels)}"
        if self.left:
            return f"{where}. Something of it has left: cancel the rest and issue version {self.version + 1} with 'corrects:'"
        return f"{where}. 'distributor replace {self.release_id}' puts the new text in its place"


class Replacing(Asking):
    """What a person can see and do about an edited release."""

    def old_texts(self, releases: list[Release] | None = None, *, most: int = 20) -> list[Outdated]:
        """Return the scheduled versions that are not what their files make now. Files that look as at sealing are not
        read; at most so many of the others are rendered, those that go out first.
        """
        root = self.site.need_root()
        with self.ledger() as ledger:
            waiting = {(one.release_id, one.version) for one in places.waiting(ledger)}
            known = [one for one in releases or ledger.releases() if (one.id, one.version) in waiting]
            hints = [one for one in known if inputs.changed(root, one.inputs)]
            found = (self.outdated(ledger, one) for one in sorted(hints, key=lambda one: one.lift)[:most])
            return [one for one in found if one]

    def outdated(self, ledger: Ledger, known: Release, file: ReleaseFile | None = None) -> Outdated | None:
        """Return how a scheduled version differs from what its file makes now; None where it does not, or where nothing of
        it waits.
        """
        rows = [row for row in ledger.deliveries(known.id, known.version) if row.kind != KILL]
        path = file.path if file else inputs.file_of(self.site.need_root(), known.inputs)
        if path is None or known.killed_at or not any(row.state in _OPEN for row in rows):
            return None
        if not all(map(self.find_channel, {row.channel for row in rows})):
            return None  # a channel that is gone is told as such: the text may be as it was
        left = any(row.attempts for row in rows)
        facts = {"release_id": known.id, "version": known.version, "left": left, "file": path}
        try:
            file = file or self.read(path)
            if (file.release.id, file.release.version) != (known.id, known.version):
                return None  # the next version is being written
            made = self._replacement(ledger, known, file)
        except DistributorError as error:
            return Outdated(channels=(), wrong=str(error.problems[0]), **facts)  # type: ignore[arg-type]
        channels = _differing(made, rows)
        return Outdated(channels=channels, **facts) if channels else None  # type: ignore[arg-type]

    def older_than(self, made: Preview) -> Outdated | None:
        """Return how the scheduled version differs from the file of a preview; None where it does not, or is none."""
        with self.ledger_if_any() as ledger:
            known = ledger.release(made.release.id, made.release.version) if ledger else None
            return self.outdated(ledger, known, made.file) if ledger and known else None

    def replacement(self, release_id: str, path: Path | None = None) -> Preview:
        """Return what `replace` would seal. Nothing is written. Raises as `replace`."""
        with self.ledger() as ledger:
            known = self.known(ledger, release_id)
            return self._replacement(ledger, known, self._file_of(known, path))

    def replace(
        self, release_id: str, path: Path | None = None, *, agreed: str | None = None
    ) -> tuple[Preview, Release]:
        """Put what the release file says now in the place of the scheduled version: sealed and planned anew at the same
        instant (or at the one the file names now), all or nothing. What was on hold stays on hold.

        `path` is another file than the one it was scheduled from, `agreed` of the preview that a person looked at. Raises
        Refusal for findings of severity error, and ActionError where something left, nothing differs, or with four
        eyes nobody else approved.
        """
        with self.ledger() as ledger:
            known = self.known(ledger, release_id)
            file = self._file_of(known, path)
            preview = self._replacement(ledger, known, file)
            rows = [row for row in ledger.deliveries(known.id, known.version) if row.kind != KILL]
            seal.refuse_other_than(agreed, preview)
            if not _differing(preview, rows) and preview.file.digest == known.digest:
                raise ActionError(f"'{release_id}': the scheduled version is what the file says; nothing was changed")
            if not any(row.attempts for row in rows):  # else the ledger says why it is too late
                seal.refuse_past(preview, preview.lift, self.clock.now())
                seal.refuse_errors(preview)
                if not preview.rendered:
                    raise ActionError("no channel would send anything: enable one in the config")
                early.refuse(preview, ledger, self.clock.now())
                early.refuse_without(preview, known)
                approving.refuse_alone(ledger, preview, self.settings.policy, who=self.who)
            row = replace(seal.release(preview, self.clock.now()), inputs=self.inputs_of(file))
            messages = [seal.dump(one.message) for one in preview.rendered]
            where = seal.destinations_of(preview)
            planned = seal.deliveries(preview)
            ledger.plan(row, messages, planned, who=self.who, again="replace", destinations=where)
        return preview, row

    def inputs_of(self, file: ReleaseFile) -> str:
        """Return what to keep of the files that a version is made from."""
        media = [one.file for text in file.release.languages for one in text.media if one.file]
        return inputs.record(self.site.need_root(), file.path, media)

    def _file_of(self, known: Release, path: Path | None) -> ReleaseFile:
        root = self.site.need_root()
        found = path or inputs.file_of(root, known.inputs)
        if found is None or not found.is_file():
            found = root / "releases" / f"{known.id}.md"
        if not found.is_file():
            raise ActionError(f"it is not known from which file '{known.id}' was scheduled: name it with --file")
        file = self.read(found)
        if (file.release.id, file.release.version) != (known.id, known.version):
            raise ActionError(
                f"{found.name} is '{file.release.id}' version {file.release.version}, and scheduled is '{known.id}' version "
                f"{known.version}: a new version is scheduled, not put in the old one's place"
            )
        return file

    def _replacement(self, ledger: Ledger, known: Release, file: ReleaseFile) -> Preview:
        """The file as it would be sealed on the channels of the scheduled version, or on those it names since."""
        rows = [row for row in ledger.deliveries(known.id, known.version) if row.kind != KILL]
        old = source.Release.model_validate_json(zonerules.restated(known.snapshot), by_alias=True, by_name=True)
        given, sealed = file.release.embargoed_until, old.embargoed_until
        moved = approvals.was_moved(ledger, known.id, known.version)
        if given and sealed and (file.digest == known.digest or (moved and given.instant <= sealed.instant)):
            kept = {"embargoed_until": sealed, "broken_embargo": old.broken_embargo}
            file, given = replace(file, release=file.release.model_copy(update=kept)), sealed
        at = known.lift if given is None or (sealed and given.instant == sealed.instant) else None
        if given and at and at <= given.instant:
            at = None
        names = list(dict.fromkeys([*places.recorded(ledger, known.id, known.version), *(row.channel for row in rows)]))
        if file.release.channels != old.channels and file.release.channels:
            names = list(file.release.channels)
        gone = [name for name in names if self.find_channel(name) is None]
        if gone:
            raise ConfigError(f"'{known.id}' waits for the channel '{gone[0]}', which is not in the config any more")
        chosen = audiences.adapted(self.built(names), file, self.settings, self.built, whole=False)
        return self.press.preview(
            file,
            chosen,
            self.clock.now(),
            at,
            earlier=ledger.published(known.id, known.version),
            up=standing.posts(self.ledger_if_any, known.id, known.version, chosen),
            pages=self.pages_of(file, chosen),
        )


def _differing(made: Preview, rows: list[Delivery]) -> tuple[str, ...]:
    """The channels on which a preview is not what is planned: other bytes, recipients or times."""
    planned = {(row.channel, row.recipient, row.digest, row.planned_for) for row in rows}
    now = {
        (one.channel.name, copy.recipient.address, copy.digest, one.due) for one in made.rendered for copy in one.copies
    }
    return tuple(sorted({channel for channel, *_ in planned ^ now}))
