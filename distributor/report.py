"""Who got what and when, as CSV: one source for the command line and the desk."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from distributor import agreed
from distributor.plain import one_line
from distributor.store import Delivery, Ledger, Release

_HEAD = ("version", "kind", "channel", "recipient", "name", "state", "planned_for", "sent_at", "late_ms", "attempts", "id", "url", "reason", "remarks")  # fmt: skip
_AT_ONCE = 64_000  #: characters


def lines(rows: Iterable[Delivery], remarks: Mapping[int, str]) -> Iterator[str]:
    """CSV with a head (RFC 4180, LF line ends), some lines at a time; times are UTC, lateness is in milliseconds.

    `remarks`: what was agreed with a version, by its number.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(_HEAD)
    for row in rows:
        late = int((row.sent_at - row.planned_for).total_seconds() * 1000) if row.sent_at else ""
        sent = row.sent_at.isoformat() if row.sent_at else ""
        values = (
            row.version, row.kind, row.channel, row.recipient, row.recipient_name, row.state, row.planned_for.isoformat(), sent, late,
            row.attempts, row.remote_id or "", row.remote_url or "", row.reason or "", remarks.get(row.version, ""),
        )  # fmt: skip
        writer.writerow([_harmless(value) for value in values])
        if target.tell() > _AT_ONCE:
            yield target.getvalue()
            target.seek(0)
            target.truncate()
    yield target.getvalue()


def remarks(known: Iterable[Release]) -> dict[int, str]:
    """What was agreed with each version beyond its words."""
    return {one.version: "; ".join(agreed.remarks(one.snapshot)) for one in known}


def brief(row: Delivery, root: Path | None) -> Delivery:
    """The delivery with files named by where they lie in the site, not on the machine."""
    if root is None:
        return row
    prefix = f"{root}{os.sep}"
    id_, url, reason = (text and text.replace(prefix, "") for text in (row.remote_id, row.remote_url, row.reason))
    return replace(row, remote_id=id_, remote_url=url, reason=reason)


def of(ledger: Ledger, known: Iterable[Release]) -> Iterator[Delivery]:
    """The deliveries of some versions in their order."""
    for one in known:
        yield from ledger.each_delivery(one.id, one.version)


def _harmless(value: object) -> object:
    """A cell of one line that steers no terminal, and that a spreadsheet does not take for a formula (OWASP, CSV injection)."""
    shown = one_line(value) if isinstance(value, str) else value
    return f"'{shown}" if isinstance(shown, str) and shown[:1] in tuple("=+-@\t\r") else shown
