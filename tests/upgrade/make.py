"""Make a site with sealed and scheduled releases, as one version of the program leaves it behind.

Run it with the version whose seals shall be kept, from a checkout of that version:

    PYTHONPATH=. python tests/upgrade/make.py sealed-0.1.0.tar.xz

The archive holds the site, and `expected.json`: what that version itself then delivered on a copy.
`tests/test_upgrade.py` delivers the same seals with the code of today and compares.
"""

import asyncio
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from distributor import redact
from distributor.desk import Desk
from distributor.outbox import Outbox
from distributor.site import BUILT_IN, Site

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
INSTANTS = (datetime(2030, 3, 5, 1, tzinfo=UTC), datetime(2030, 3, 6, 1, tzinfo=UTC))

RELEASE = """\
---
id: {id}
version: {version}
embargoed_until: {lift}
headline: {headline}
summary: The Kestrel pier takes passengers again after nine months of work.
issuer: tidewater
dateline: {{city: Hong Kong}}
contacts: [press]
hashtags: [KestrelPier, Ferries]
boilerplate: tidewater
{more}---
The Kestrel pier takes passengers again. Its pontoons were renewed over nine months.

"We thank everybody who walked to the next pier," said Helen Au, Chief Executive.
"""


class Clock:
    """Stand still until told otherwise."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return (self.instant - NOW).total_seconds()


def enabled(config: str) -> str:
    """Return the config with every channel switched on; no credential is set, so all stays in the outbox."""
    return re.sub(r"^enabled = false.*$", "", config, flags=re.MULTILINE)


def drain(root: Path, clock: Clock) -> None:
    """Deliver what is due."""

    async def work() -> None:
        desk = Desk(site=Site(root), clock=clock, who="office")
        with desk.ledger() as ledger:
            outbox = Outbox(
                ledger=ledger,
                channels=dict(desk.channels),
                clock=clock,
                worker="upgrade",
                policy=desk.settings.policy,
                report=lambda _events: None,
                jitter=lambda: 1.0,
                redact=redact.of(desk.channels),
                find=desk.find_channel,
            )
            await outbox.look_around()
            await outbox.finish()
            await outbox.close()

    asyncio.run(work())


def write(root: Path, name: str, lift: str, headline: str, version: int = 1) -> Path:
    """Write one small release."""
    path = root / "releases" / f"{name}-{version}.md"
    corrects = "corrects: {version: 1, class: B, text: The number of months was wrong.}\n"
    more = corrects if version > 1 else ""
    values = {"id": name, "version": version, "lift": lift, "headline": headline, "more": more}
    path.write_text(RELEASE.format(**values), encoding="utf-8")
    return path


def build(root: Path, clock: Clock) -> None:
    """Make the site: scheduled, corrected, killed and held releases."""
    shutil.copytree(BUILT_IN / "config" / "sample", root / "releases")
    (root / "config").mkdir()
    for folder in ("channels", "templates"):
        (root / folder).mkdir()
    text = (BUILT_IN / "config" / "distributor.toml").read_text(encoding="utf-8")
    (root / "config" / "distributor.toml").write_text(enabled(text), encoding="utf-8")
    desk = Desk(site=Site(root), clock=clock, who="office")
    early = "2030-03-01 21:00 Asia/Hong_Kong"
    late = "2030-03-06 09:00 Asia/Hong_Kong"
    desk.schedule(write(root, "corrected", early, "Kestrel pier reopens after nine months"))
    desk.schedule(write(root, "killed", early, "Kestrel pier gets a second pontoon"))
    clock.instant = NOW + timedelta(hours=1)
    drain(root, clock)
    clock.instant += timedelta(hours=1)
    desk.schedule(write(root, "corrected", late, "Kestrel pier reopens after ten months", 2))
    desk.kill("killed")
    desk.schedule(write(root, "held", late, "Kestrel pier will be painted green"))
    desk.hold("held")
    desk.schedule(root / "releases" / "harbour-line.md")


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def delivered(root: Path, clock: Clock) -> dict[str, object]:
    """Deliver all that was scheduled; return what left, by delivery and by file."""
    before = digests(root / "outbox")
    clock.instant = NOW + timedelta(hours=3)
    desk = Desk(site=Site(root), clock=clock, who="office")
    desk.resume("held")
    for instant in (clock.instant, *INSTANTS):
        clock.instant = instant
        drain(root, clock)
    rows = []
    with desk.ledger() as ledger:
        for one in ledger.releases():
            sent = {}
            for attempt in ledger.attempts(one.id, one.version):
                sent[attempt.delivery_id] = attempt.digest
            for row in ledger.deliveries(one.id, one.version):
                facts = [one.id, one.version, row.kind, row.channel, row.recipient, str(row.state)]
                rows.append([*facts, row.digest, sent.get(row.id)])
    after = digests(root / "outbox")
    return {"rows": sorted(rows, key=str), "outbox": {k: v for k, v in after.items() if before.get(k) != v}}


def main(target: Path) -> None:
    """Write the archive."""
    with tempfile.TemporaryDirectory() as folder:
        clock, root = Clock(), Path(folder) / "site"
        root.mkdir()
        build(root, clock)
        copy = shutil.copytree(root, Path(folder) / "copy")
        expected = delivered(copy, clock)
        (root / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True))
        for leftover in (root / "var").glob("*.lock"):
            leftover.unlink()
        with tarfile.open(target, "w:xz") as archive:
            archive.add(root, "site")


if __name__ == "__main__":
    os.umask(0o022)
    main(Path(sys.argv[1]))
