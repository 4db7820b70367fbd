"""The public folder copied to where a CDN reads it: an S3-compatible bucket, or a directory of another machine that is mounted here.

Only what lies in the public folder is copied, so nothing can be there that is not released. What already lies there unchanged
is not sent again; feeds and lists come after the pages and photos that they name.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol

from distributor import addresses, files, public
from distributor.contract import (
    Capabilities,
    Channel,
    Destination,
    Finding,
    Idempotency,
    Kit,
    Message,
    Receipt,
    Recipient,
    Refused,
    Unauthorized,
    Unavailable,
)
from distributor.contract import public as everybody
from distributor.errors import ConfigError
from distributor.fields import Url
from distributor.http import is_secure
from distributor.plain import counted
from distributor.release import Release
from distributor.settings import Secret

_AT_ONCE = 16
_LISTS = ("archive/", "tag/", "lang/", "feeds/", "index.html", "sitemap", "robots.txt", "feed")


class Target(Protocol):
    """Where the copy lies."""

    async def put(self, path: str, data: bytes) -> None:
        """Write one file; raises DeliveryError."""

    async def remove(self, path: str) -> None:
        """Take one away; it may be gone already."""


@dataclass(frozen=True)
class Directory:
    """A folder that other machines serve."""

    folder: Path

    async def put(self, path: str, data: bytes) -> None:
        """Atomic, with compressed variants beside it."""
        await asyncio.to_thread(public.put, self.folder / path, data)

    async def remove(self, path: str) -> None:
        """With its variants."""
        await asyncio.to_thread(public.remove, self.folder / path)


@dataclass(frozen=True)
class S3:
    """A bucket, through obstore (docs/decisions/0011)."""

    store: Any
    errors: Any

    async def put(self, path: str, data: bytes) -> None:
        """With the headers that the built-in server would send; compressing is the CDN's work."""
        import obstore

        kind, keep = public.served(path, data)
        try:
            await obstore.put_async(self.store, path, data, attributes={"Content-Type": kind, "Cache-Control": keep})
        except Exception as error:
            raise self._outcome(error, path) from None

    async def remove(self, path: str) -> None:
        """A missing object is no error."""
        import obstore

        try:
            await obstore.delete_async(self.store, path)
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._outcome(error, path) from None

    def _outcome(self, error: Exception, path: str) -> Exception:
        said = str(error).partition("\n")[0][:300]
        if isinstance(error, self.errors.UnauthenticatedError | self.errors.PermissionDeniedError):
            return Unauthorized(f"the bucket does not take {path}: {said}")
        if isinstance(error, FileNotFoundError):
            return Refused(f"there is no such bucket: {said}")
        return Unavailable(f"the bucket did not take {path}: {said}")


@dataclass(frozen=True, kw_only=True)
class Bucket(Channel):
    """One copy of the public folder."""

    TYPE: ClassVar[str] = "bucket"
    DESTINATION: ClassVar[Mapping[str, str]] = {
        "bucket": "bucket",
        "prefix": "folder",
        "endpoint": "server",
        "region": "region",
    }
    CREDENTIALS: ClassVar[tuple[str, ...]] = ("access_key", "secret_key")

    bucket: str | None = None  #: its name; without it the copy goes to `folder`
    prefix: str = ""  #: under which the copy lies in the bucket
    endpoint: Url | None = None  #: of an S3-compatible service; None: Amazon's
    region: str = "us-east-1"
    access_key: Secret | None = None
    secret_key: Secret | None = None
    folder: str | None = None  #: an absolute path, such as a mounted remote directory

    def __post_init__(self) -> None:
        """Raises ConfigError for two places, or a bucket without its keys."""
        super().__post_init__()
        block = f"[channels.{self.name}]"
        if self.bucket and self.folder:
            raise ConfigError(f"{block} bucket and folder: choose one; write a second block for a second copy")
        if self.bucket and not (self.access_key and self.secret_key):
            raise ConfigError(f'{block} access_key and secret_key: a bucket needs both, as {{ env = "S3_ACCESS_KEY" }}')
        if self.endpoint and not is_secure(self.endpoint):
            raise ConfigError(f"{block} endpoint: '{self.endpoint}' must begin with https://")
        if self.folder and not Path(self.folder).is_absolute():
            raise ConfigError(f"{block} folder: '{self.folder}' must begin with /")

    @property
    def capabilities(self) -> Capabilities:
        """Class A: the same file written again is the same file."""
        return Capabilities(idempotency=Idempotency.A, follows_public=True, delete=True)

    @property
    def concurrency(self) -> int:
        """One: every copy takes all that is new."""
        return 1

    @property
    def destination(self) -> Destination:
        """The bucket or the folder."""
        if self.bucket:
            missing = [word for key in (self.access_key, self.secret_key) if key and (word := key.missing())]
            place = "/".join(part for part in (f"s3://{self.bucket}", self.prefix.strip("/")) if part)
            return Destination(live=True, place=place, missing=tuple(missing))
        return Destination(live=bool(self.folder), place=self.folder or str(self.places.outbox / self.name))

    @property
    def destination_facts(self) -> dict[str, str | None]:
        """The bucket, or the folder."""
        return super().destination_facts if self.bucket else {"folder": self.places.within(self.destination.place)}

    def render(self, release: Release, kit: Kit) -> Sequence[Message]:
        """One copy for all languages: the addresses that will have to be there."""
        there = [text for text in release.languages if kit.pages is None or text.lang in kit.pages]
        pages = "\n".join(addresses.own_page(kit.newsroom, release, text) for text in there)
        return [
            Message(
                channel=self.name,
                type=self.TYPE,
                lang=release.main.lang,
                content=f"{pages}\n".encode(),
                content_type="text/plain",
                filename="pages.txt",
                title=release.main.headline,
                text=f"Everything new in the public folder, with:\n{pages}",
                recipients=everybody(release.main),
            )
        ]

    def check(self, message: Message) -> Iterable[Finding]:  # noqa: ARG002  what is copied was checked where it was made
        """Nothing of its own to find."""
        return ()

    async def deliver(self, message: Message, recipient: Recipient, key: str) -> Receipt:  # noqa: ARG002  the copy is the same for all
        """Copy what is new and remove what is gone; without a bucket or a folder, write down which pages would be copied.

        Raises Unavailable, Unauthorized, or Refused for a missing bucket.
        """
        if not self.destination.live:
            note = self.places.outbox / self.name / f"{key}.txt"
            await asyncio.to_thread(files.deliver, note, message.content)
            return Receipt(id=str(note))
        sent, removed = await self._copy()
        gone = f", {removed} removed" if removed else ""
        return Receipt(id=self.destination.place, detail=f"{counted(sent, 'file')} copied{gone}")

    def read_back(self, receipt: Receipt) -> bytes | None:
        """What was written down here; None for a copy elsewhere."""
        note = Path(receipt.id)
        return note.read_bytes() if not self.destination.live and note.is_file() else None

    def rebuild(self, kit: Kit) -> int:  # noqa: ARG002  files are copied as they are
        """Copy what is new, now; returns how many files changed there."""
        return sum(asyncio.run(self._copy())) if self.destination.live else 0

    async def _copy(self) -> tuple[int, int]:
        known = await asyncio.to_thread(self._known)
        found = await asyncio.to_thread(_files, self.places.public)
        target, limit = self._target(), asyncio.Semaphore(_AT_ONCE)

        async def put(path: str) -> None:
            async with limit:
                data = await asyncio.to_thread((self.places.public / path).read_bytes)
                await target.put(path, data)
                known[path] = found[path]

        new = [path for path, facts in found.items() if known.get(path) != facts]
        gone = sorted(known.keys() - found.keys())
        try:
            for rank in (0, 1, 2):
                tasks = [put(path) for path in new if _rank(path) == rank]
                failed = [error for error in await asyncio.gather(*tasks, return_exceptions=True) if error]
                for error in failed:
                    if not isinstance(error, FileNotFoundError):  # taken away meanwhile: the next copy sees it
                        raise error
            for path in gone:
                await target.remove(path)
                del known[path]
        finally:
            await asyncio.to_thread(self._keep, known)
        return len(new), len(gone)

    def _target(self) -> Target:
        if not self.bucket:
            return Directory(Path(self.destination.place))
        try:
            from obstore import exceptions
            from obstore.store import S3Store
        except ImportError:
            raise Unauthorized("a bucket needs another package: pip install 'press-distributor[bucket]'") from None
        if not self.access_key or not self.secret_key:
            raise Unauthorized("the bucket's keys are not in the config")
        try:
            keys = {"access_key_id": self.access_key.reveal(), "secret_access_key": self.secret_key.reveal()}
        except ConfigError as error:
            raise Unauthorized(str(error)) from None
        plain = {"allow_http": True} if self.endpoint and self.endpoint.startswith("http://") else {}
        where = {"endpoint": self.endpoint} if self.endpoint else {}
        patience: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
        store = S3Store(
            self.bucket, prefix=self.prefix.strip("/") or None, region=self.region, client_options=plain,  # type: ignore[arg-type]
            retry_config=patience, **keys, **where,  # type: ignore[arg-type]  # its TypedDicts know no ** of ours
        )  # fmt: skip
        return S3(store, exceptions)

    @property
    def _notes(self) -> Path:
        return self.places.state / "bucket" / f"{self.name}.json"

    def _known(self) -> dict[str, list[int]]:
        """What lies there, as of the last copy to the same place."""
        try:
            notes = json.loads(self._notes.read_bytes())
            return dict(notes["files"]) if notes["place"] == self._place else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _keep(self, known: Mapping[str, list[int]]) -> None:
        files.deliver(self._notes, json.dumps({"place": self._place, "files": known}).encode())

    @property
    def _place(self) -> str:
        return f"{self.endpoint or ''} {self.destination.place}"


def _rank(path: str) -> int:
    """Photos, then pages, then what names them."""
    if path.startswith("media/"):
        return 0
    return 2 if path.startswith(_LISTS) else 1


def _files(folder: Path) -> dict[str, list[int]]:
    """Every public file with its size and time of change; half-written ones and compressed variants are none."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if name.startswith(".") or name.endswith((".gz", ".br")):
                continue
            path = Path(place) / name
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            found[path.relative_to(folder).as_posix()] = [facts.st_size, facts.st_mtime_ns]
    return found


CHANNEL: type[Channel] = Bucket
