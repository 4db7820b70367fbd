"""`report`: who got what and when, as CSV. `send-test`: one mail of a release to oneself, now."""

import asyncio
from email import policy
from email.parser import BytesParser
from pathlib import Path

import click

from distributor import report
from distributor.cli import spam
from distributor.cli.main import Setting
from distributor.contract import Channel, DeliveryError, Message, Receipt, Recipient
from distributor.errors import ActionError, nearest
from distributor.mailbox import parse


@click.command("report")
@click.argument("release_id")
@click.option("--state", metavar="STATE,…", help="Only deliveries in these states, as in refused,failed.")
@click.pass_obj
def report_command(setting: Setting, release_id: str, state: str | None) -> None:
    """Print every delivery of a release as CSV; times are UTC."""
    states = {name.strip() for name in state.split(",")} if state else set()
    with setting.desk().ledger() as ledger:
        known = ledger.releases(release_id)
        if not known:
            there = [one.id for one in ledger.heads()]
            raise ActionError(f"no release '{release_id}' is scheduled here{nearest(release_id, there)}")
        chosen = (row for row in report.of(ledger, known) if not states or row.state in states)
        for some in report.lines(chosen, report.remarks(known)):
            click.echo(some, nl=False)


@click.command("send-test")
@click.argument("release", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to", required=True, metavar="ADDRESS", help="Who gets it.")
@click.option("--channel", metavar="NAME", help="Which mail channel (default: the first).")
@click.option("--show", is_flag=True, help="Print the mail's source and text, and send nothing.")
@click.option("--spam-score/--no-spam-score", help="Ask SpamAssassin, where it is installed here, before sending.")
@click.pass_obj
def send_test_command(
    setting: Setting,
    release: Path,
    to: str,
    channel: str | None,
    show: bool,  # noqa: FBT001  click hands over options so
    spam_score: bool,  # noqa: FBT001  click hands over options so
) -> None:
    """Send one mail of RELEASE to ADDRESS, now: the very bytes of the preview with that address. Nothing is planned or noted."""
    try:
        box = parse(to)
    except ValueError as error:
        raise ActionError(str(error)) from None
    desk = setting.desk((channel,) if channel else ())
    mails = [one for one in desk.preview(release).rendered if one.message.content_type == "message/rfc822"]
    if not mails:
        raise ActionError("no mail channel is configured, or the one named is none")
    one = mails[0]
    recipient = Recipient(address=box.address, name=box.name)
    try:
        wire = one.channel.compose(one.message, recipient)
    except ValueError as error:
        raise ActionError(f"the mail cannot be written: {error}") from None
    if show:
        _show(wire)
    if spam_score:
        click.echo(spam.score(wire) or "no spam score: SpamAssassin is not installed on this machine")
    if not show:
        receipt = asyncio.run(_send(one.channel, one.message, recipient))
        click.echo(f"{one.channel.name}: sent to {box.address}, {len(wire):,} bytes, {receipt.detail or receipt.id}")


def _show(wire: bytes) -> None:
    """The mail as it goes over the wire, its text part as a person reads it, and its size."""
    text = BytesParser(policy=policy.default).parsebytes(wire).get_body(("plain",))
    shown = wire.decode("utf-8", "backslashreplace")
    if text is not None:
        shown += f"\n── text part, decoded ──\n\n{text.get_content()}"
    click.echo(shown.replace("\r\n", "\n"))
    click.echo(f"{len(wire):,} bytes; nothing was sent")


async def _send(channel: Channel, message: Message, recipient: Recipient) -> Receipt:
    try:
        return await channel.deliver(message, recipient, "send-test")
    except DeliveryError as error:
        raise ActionError(f"not sent: {error.reason}") from None
    finally:
        await channel.close()
