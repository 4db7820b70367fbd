"""`feed`: the feed as it is, was, or will be. `publish --rebuild`: the public folder anew from what was released."""

from pathlib import Path

import click

from distributor.cli import as_json, output
from distributor.cli.main import Setting, json_option
from distributor.desk.publishing import Format
from distributor.errors import ActionError
from distributor.instants import instant
from distributor.plain import counted


@click.command("feed")
@click.argument("release", required=False)
@click.option("--format", "kind", type=click.Choice(["rss", "atom", "json"]), default="rss", show_default=True)
@click.option("--lang", help="A language tag; default: the release's first, or the newsroom's.")
@click.option("--channel", "name", metavar="NAME", help="The block that makes the feed; default: the first one.")
@click.option("--as-of", metavar="TIME", help="As it was then: 2030-03-05 09:00 Asia/Hong_Kong. Default: now.")
@click.option(
    "--at", metavar="TIME", help="With RELEASE: as if it went out then ('now', '+10m', a time with its zone)."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a file instead of printing.")
@click.pass_obj
def feed_command(
    setting: Setting,
    release: str | None,
    kind: Format,
    lang: str | None,
    name: str | None,
    as_of: str | None,
    at: str | None,
    out: Path | None,
) -> None:
    """Print the feed, byte for byte as it is published.

    With RELEASE, a file or the id of a scheduled one: as it will read once that release is out. Nothing is published
    by this. Without: of what has been released; what is embargoed is not in it, whatever the instant.
    """
    from distributor.desk import publishing, upcoming
    from distributor.files import write_out

    desk = setting.desk()
    now = desk.clock.now()
    channel = publishing.feeding(desk, name)
    if release and as_of:
        raise ActionError("--as-of shows what has been released; with a release say when it goes out: --at")
    if at and not release:
        raise ActionError("--at needs a release; --as-of shows the feed as it was")
    if out:
        publishing.refuse_public(desk, out)
    if release:
        made = upcoming.feed_with(desk, release, channel, kind, lang=lang, at=instant(at, now) if at else None)
        for remark in made.remarks:
            output.say(f"note: {remark}", err=True)
        data = made.data
    else:
        data = publishing.feed_now(desk, channel, kind, lang, instant(as_of, now, "--as-of") if as_of else None)
    if out:
        write_out(out, data)
        output.say(f"{out} · {len(data):,} bytes")
    else:
        output.data(data)


@click.command("publish")
@click.option("--rebuild", is_flag=True, required=True, help="Every page, list and feed, in the templates of today.")
@json_option
@click.pass_obj
def publish_command(setting: Setting, *, rebuild: bool, json_: bool) -> None:  # noqa: ARG001  required: the word says what happens
    """Write the public folder anew from what is released, and nothing else. Files that are right already stay as they are."""
    from distributor.desk import publishing

    desk = setting.desk()
    desk.site.need_root()
    kit = publishing.kit(desk, desk.clock.now())
    rebuilding = {name: one for name, one in desk.channels.items() if isinstance(one, publishing.Rebuilding)}
    written = {name: one.rebuild(kit) for name, one in rebuilding.items()}
    if json_:
        as_json.show({"written": written})
        return
    for name, number in written.items():
        output.say(f"{name}: {counted(number, 'file')} written")
