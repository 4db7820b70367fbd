"""`--json`: the same facts for programs. Instants are ISO 8601 in UTC."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributor import agreed, report
from distributor.cli import output

if TYPE_CHECKING:  # names of what is shown; `status` imports none of it
    from distributor.health import Health
    from distributor.message import Finding
    from distributor.preview import Preview, Rendered
    from distributor.seal import Proof
    from distributor.store import Delivery, Release


def show(value: Any) -> None:
    """Print one JSON document; objects carry the number of their schema."""
    output.document(value)


def findings(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as objects."""
    return [asdict(one) for one in found]


def preview(made: Preview, root: Path | None = None) -> dict[str, Any]:
    """A whole preview; destinations in the site `root` are named by where they lie in it."""
    return {
        "id": made.release.id,
        "version": made.release.version,
        "lift": made.lift,
        "zone": made.release.zone,
        "lift_is_fixed": made.lift_is_fixed,
        "seal": made.digest,
        "findings": findings(made.findings),
        "messages": [_rendered(one, root) for one in made.rendered],
    }


def _rendered(one: Rendered, root: Path | None) -> dict[str, Any]:
    message = one.message
    return {
        "channel": message.channel,
        "type": message.type,
        "lang": message.lang,
        "due": one.due,
        "destination": _inside(one.channel.place(message), root),
        "live": one.channel.destination.live,
        "content_type": message.content_type,
        "title": message.title,
        "text": message.text,
        "headers": [list(header) for header in message.headers],
        "counts": [asdict(count) for count in message.counts],
        "entities": [asdict(entity) for entity in message.entities],
        "dropped": [asdict(dropped) for dropped in message.dropped],
        "wire": message.content.decode("utf-8", "backslashreplace"),
        "statements": _statements(one),
        "media": [{"name": m.name, "content_type": m.content_type, "sha256": m.sha256} for m in message.media],
        "findings": findings(one.findings),
        "recipients": [
            {"address": c.recipient.address, "name": c.recipient.name, "sha256": c.digest, "bytes": c.size}
            for c in one.copies
        ],
    }


def _statements(one: Rendered) -> dict[str, Any]:
    """What the preview says of the message besides its words."""
    from distributor import statements

    said = statements.of(one.channel, one.message)
    photos = [{"name": file.name, "sha256": file.sha256, "alt": file.alt} for file in said.photos]
    return {**asdict(replace(said, photos=())), "photos": photos}


def status(
    health: Health, releases: Iterable[tuple[Release, list[Delivery]]], root: Path | None = None
) -> dict[str, Any]:
    """Health, and every release with its deliveries; files of the site `root` are named by where they lie in it."""
    return {
        "now": health.now,
        "ok": not health.troubles(),
        "troubles": health.troubles(named=True),
        "running": health.running,
        "last_beat": health.last_beat,
        "stopped_at": health.stopped_at,
        "age_of_last_beat": (health.now - health.last_beat).total_seconds() if health.last_beat else None,
        "oldest_overdue_seconds": health.overdue.total_seconds(),
        "needs_person": {
            one: {str(need): number for need, number in counts.items()} for one, counts in health.needs.items()
        },
        "counts": {str(state): number for state, number in health.counts.items()},
        "releases": [
            {**_release(one), "deliveries": [delivery(report.brief(row, root)) for row in rows]}
            for one, rows in releases
        ],
    }


def _release(one: Release) -> dict[str, Any]:
    return {
        "id": one.id,
        "version": one.version,
        "headline": one.headline,
        "pub_status": one.pub_status,
        "lift": one.lift,
        "zone": one.zone,
        "seal": one.seal,
        "sealed_at": one.sealed_at,
        "remarks": agreed.remarks(one.snapshot),
    }


def delivery(row: Delivery) -> dict[str, Any]:
    """One delivery; its signature is in hex, its lateness in milliseconds."""
    late = (row.sent_at - row.planned_for).total_seconds() * 1000 if row.sent_at else None
    values = asdict(row)
    for internal in ("id", "message_id", "release_id", "version"):
        del values[internal]
    return {**values, "lateness_ms": late}


def proofs(release: Release, seal_holds: bool, found: Iterable[Proof]) -> dict[str, Any]:  # noqa: FBT001  a fact, no switch
    """What `verify` found."""
    return {
        "id": release.id,
        "version": release.version,
        "seal": release.seal,
        "seal_holds": seal_holds,
        "remarks": agreed.remarks(release.snapshot),
        "deliveries": [
            {
                "channel": proof.delivery.channel,
                "recipient": proof.delivery.recipient,
                "state": proof.delivery.state,
                "previewed": proof.previewed,
                "sealed": proof.sealed,
                "handed_over": proof.handed_over,
                "read_back": proof.read_back,
                "holds": proof.holds,
            }
            for proof in found
        ],
    }


def _inside(text: str, root: Path | None) -> str:
    return text if root is None else text.replace(f"{root}{os.sep}", "")
