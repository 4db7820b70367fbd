"""`report`: who got what and when, as CSV. `send-test`: one mail of a release to oneself, now."""

import asyncio
from collections.abc import Mapping
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import click

from distributor import report
from distributor.cli import as_json, draw, output, spam
from distributor.cli.main import Setting, json_option, listed
from distributor.contract import Channel, DeliveryError, Message, Receipt, Recipient
from distributor.errors import ActionError, nearest
from distributor.lifecycle import State
from distributor.mailbox import parse
from distributor.plain import one_line
from distributor.preview import Rendered


@click.command("report")
@click.argument("release_id")
@click.option("--state", metavar="STATE,…", help="Only deliveries in these states, as in refused,failed.")
@json_option
@click.pass_obj
def report_command(setting: Setting, release_id: str, state: str | None, *, json_: bool) -> None:
    """Print every delivery of a release as CSV; times are UTC."""
    states = _states(state)
    desk = setting.desk()
    with desk.ledger() as ledger:
        known = ledger.releases(release_id)
        if not known:
            there = [one.id for one in ledger.heads()]
            raise ActionError(f"no release '{release_id}' is scheduled here{nearest(release_id, there)}")
        chosen = (row for row in report.of(ledger, known) if not states or row.state in states)
        shown = (report.brief(row, desk.site.root) for row in chosen)
        remarks = report.remarks(known)
        if json_:
            rows = [{**as_json.delivery(row), "version": row.version} for row in shown]
            as_json.show({"id": release_id, "remarks": remarks, "deliveries": rows})
            return
        for some in report.lines(shown, remarks):
            output.data(some.encode("utf-8", "backslashreplace"))


def _states(text: str | None) -> set[State]:
    """The states of `refused,failed`; UsageError names the nearest of what is none."""
    names = listed([text]) if text is not None else []
    for name in names:
        if name not in list(State):
            raise click.UsageError(f"--state: there is no state '{name}'{nearest(name, State)}")
    return {State(name) for name in names}


@click.command("send-test")
@click.argument("release", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to", required=True, metavar="ADDRESS", help="Who gets it.")
@click.option("--channel", metavar="NAME", help="Which mail channel (default: the first).")
@click.option("--show", is_flag=True, help="Print the mail's source and text, and send nothing.")
@click.option("--spam-score/--no-spam-score", help="Ask SpamAssassin, where it is installed here, before sending.")
@json_option
@click.pass_obj
def send_test_command(
    setting: Setting, release: Path, to: str, channel: str | None, *, show: bool, spam_score: bool, json_: bool
) -> None:
    """Send one mail of RELEASE to ADDRESS, now: the very bytes of the preview with that address. Nothing is planned or noted."""
    try:
        box = parse(to)
    except ValueError as error:
        raise click.UsageError(f"--to: {error}") from None
    if show and json_:
        raise click.UsageError("--show prints the mail itself: leave --json out.")
    desk = setting.desk((channel,) if channel is not None else ())
    one = _mail(desk.preview(release).rendered, channel)
    recipient = Recipient(address=box.address, name=box.name)
    try:
        wire = one.channel.compose(one.message, recipient)
    except ValueError as error:
        raise ActionError(f"the mail cannot be written: {error}") from None
    if show:
        _show(wire)
    score = (
        str(spam.score(wire) or "no spam score: SpamAssassin is not installed on this machine") if spam_score else ""
    )
    if score and not json_:
        output.say(score)
    if show:
        return
    live = one.channel.destination.live
    # A key of its own: the last test mail stays where it is.
    key = f"send-test-{setting.clock.now():%Y%m%dT%H%M%S%f}"
    receipt = asyncio.run(_send(one.channel, one.message, recipient, key))
    place = "" if live else draw.shortened(receipt.id, desk.site.root)
    facts = {"channel": one.channel.name, "to": box.address, "bytes": len(wire), "sent": live, "file": place or None}
    if json_:
        as_json.show({**facts, "answer": receipt.detail or None, "spam_score": score or None})
    else:
        output.say(_said(facts, receipt))


def _said(facts: Mapping[str, Any], receipt: Receipt) -> str:
    """What became of a test mail, in a sentence."""
    if facts["sent"]:
        answer = one_line(receipt.detail or receipt.id)
        return f"{facts['channel']}: sent to {facts['to']}, {facts['bytes']:,} bytes, {answer}"
    size = f"{facts['bytes']:,} bytes for {facts['to']}"
    return f"{facts['channel']}: not sent, for it names no server; {size} are in {facts['file']}"


def _mail(rendered: tuple[Rendered, ...], channel: str | None) -> Rendered:
    """The first mail of a preview; ActionError where none is made."""
    mails = [one for one in rendered if one.message.content_type == "message/rfc822"]
    if not mails:
        why = f"the channel '{channel}' makes no mail of it" if channel else "no mail channel makes a mail of it"
        raise ActionError(f"{why}: name a channel of type email with --channel ('distributor doctor' lists them)")
    return mails[0]


def _show(wire: bytes) -> None:
    """The mail as it goes over the wire, its text part as a person reads it, and its size."""
    text = BytesParser(policy=policy.default).parsebytes(wire).get_body(("plain",))
    shown = wire.decode("utf-8", "backslashreplace")
    if text is not None:
        shown += f"\n── text part, decoded ──\n\n{text.get_content()}"
    output.say(shown)
    output.say(f"{len(wire):,} bytes; nothing was sent")


async def _send(channel: Channel, message: Message, recipient: Recipient, key: str) -> Receipt:
    try:
        return await channel.deliver(message, recipient, key)
    except DeliveryError as error:
        raise ActionError(f"not sent: {error.reason}") from None
    finally:
        await channel.close()
