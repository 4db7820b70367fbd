"""Commands on a release file: import, check, preview. None of them sends or plans anything."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from distributor import fields, statements
from distributor.cli import as_json, draw
from distributor.cli.main import Setting, break_option, json_option
from distributor.contract import Finding, Message, Severity
from distributor.desk import Desk
from distributor.desk.replacing import Outdated
from distributor.errors import ActionError, Problem, ReleaseError
from distributor.importing import Draft
from distributor.plain import counted
from distributor.preview import Preview, Rendered

_FILE = click.Path(path_type=Path, dir_okay=False)
_SHOWN_LINES = 14


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=_FILE, help="Where to write it (default: beside FILE, as <id>.md).")
@click.option("--id", "release_id", help="The release's id (default: made from the headline).")
@click.option("--lang", help="Its language (default: guessed from the script).")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
@click.pass_obj
def import_command(
    setting: Setting,
    file: Path,
    output: Path | None,
    release_id: str | None,
    lang: str | None,
    *,
    force: bool,
    json_: bool,
) -> None:
    """Turn pasted or syndicated plain text into a release file, and say what was guessed from which line."""
    from distributor import files, frontmatter, importing, preflight

    _refuse_names(release_id, lang)
    try:
        text = file.read_text(encoding="utf-8-sig", errors="strict")
    except OSError as error:
        raise ReleaseError(Problem(text=f"cannot be read: {error.strerror}", file=str(file))) from None
    except UnicodeDecodeError as error:
        raise ReleaseError(Problem(text=f"cannot be read as UTF-8 text: {error}", file=str(file))) from None
    if len(text.encode()) > frontmatter.MAX_FILE * 9 // 10:
        raise ReleaseError(Problem(text="is too long for a release (1 MB); import the release alone", file=str(file)))
    draft = importing.draft(text, id=release_id, lang=lang)
    target = output or file.parent / f"{draft.id}.md"
    if target.exists() and not force:
        raise ActionError(f"{target} is there already; --force writes over it, -o names another")
    try:
        files.write_out(target, draft.markdown.encode())
    except OSError as error:
        raise ActionError(f"cannot write {target}: {error.strerror}") from None
    desk = setting.desk()
    release = desk.read(target).release
    found = [
        *preflight.check(release, setting.clock.now(), folders=desk.site.layers("templates")),
        *preflight.imported(draft.dropped),
    ]
    if json_:
        guesses = [{"field": g.field, "value": g.value, "line": g.line, "why": g.why} for g in draft.guesses]
        dropped = [{"line": d.line, "text": d.text, "reason": d.reason} for d in draft.dropped]
        as_json.show({"file": str(target), "guesses": guesses, "dropped": dropped, "findings": as_json.findings(found)})
        return
    _draw_import(target, draft, found)


def _refuse_names(release_id: str | None, lang: str | None) -> None:
    """Refuse an id or a language that no release can have, before anything is written."""
    if release_id is not None and not (re.search(fields.SLUG, release_id) and 3 <= len(release_id) <= 80):
        raise click.UsageError(
            f"--id: '{release_id}': write 3 to 80 small letters, digits and hyphens, as in piers-reopen"
        )
    try:
        fields.language_tag(lang or "en")
    except ValueError as error:
        raise click.UsageError(f"--lang: {error}") from None


def _draw_import(target: Path, draft: Draft, found: Sequence[Finding]) -> None:
    out = draw.console()
    out.print(f"[bold]{draw.plain(str(target))}[/] written\n")
    table = draw.table("Line", "Field", "Read as", "Because")
    for guess in draft.guesses:
        value = guess.value if len(guess.value) <= 60 else f"{guess.value[:57]}…"
        table.add_row(str(guess.line), guess.field, draw.plain(value), draw.plain(guess.why))
    out.print(table)
    if draft.dropped:
        out.print("\n[bold]Left out[/] (kept as comments in the file)")
        for line in draft.dropped:
            out.print(f"  line {line.line}: {draw.plain(line.text[:70])} [dim]{draw.plain(line.reason)}[/]")
    out.print("\n[bold]Findings[/]")
    draw.findings(out, found, "  ")


@click.command("check")
@click.argument("release", type=_FILE)
@json_option
@click.pass_obj
def check_command(setting: Setting, release: Path, *, json_: bool) -> int:
    """Read a release and say what is wrong with it, on every channel. Exit code 1 when something stops scheduling."""
    desk = setting.desk()
    made = desk.preview(release)
    old = desk.older_than(made)
    found = [*_told(old), *made.all_findings()]
    bad = bool(old or made.errors())
    if json_:
        as_json.show(as_json.findings(found))
        return int(bad)
    out = draw.console()
    for one in found:
        draw.findings(out, [one], f"{one.channel or 'release':<10} ")
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    out.print(", ".join(f"{number} {severity}{'s' if number != 1 else ''}" for severity, number in counts.items()))
    return int(bad)


def _told(old: Outdated | None) -> list[Finding]:
    """What is said, first of all, of a scheduled version that is older than the file."""
    if old is None:
        return []
    return [Finding(severity=Severity.warning, code="scheduled-is-older", text=old.sentence)]


@click.command("preview")
@click.argument("release", type=_FILE)
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Only this channel, whole, with its wire form."
)
@click.option("--html", "page", type=_FILE, help="Write one self-contained page with all channels side by side.")
@click.option("--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write the raw bytes here.")
@click.option("--at", help="Show it for this instant ('now', '+10m', or a time with its zone).")
@break_option
@json_option
@click.pass_obj
def preview_command(
    setting: Setting,
    release: Path,
    channels: Sequence[str],
    page: Path | None,
    folder: Path | None,
    at: str | None,
    break_embargo: str | None,
    *,
    json_: bool,
) -> None:
    """Show exactly what each channel will send. Nothing is sent, planned or sealed."""
    from distributor import instants
    from distributor.desk import publishing

    desk = setting.desk(channels, break_embargo)
    for place in (page, folder):
        if place:
            publishing.refuse_public(desk, place)
    made = desk.preview(release, instants.instant(at, setting.clock.now()) if at else None)
    if old := desk.older_than(made):
        made = replace(made, findings=(*_told(old), *made.findings))
    if page:
        _write_page(desk, made, page)
    if folder:
        _write_bytes(made, folder)
    if json_:
        as_json.show(as_json.preview(made, desk.site.root))
        return
    out = draw.console()
    if old:
        out.rule("[bold red]the scheduled version is the old text[/]", style="bold red")
    show(out, made, desk.site.root, whole=bool(channels))
    for written in (page, folder):
        if written:
            out.print(f"wrote {draw.plain(str(written))}")


def show(out: Console, made: Preview, root: Path | None, *, whole: bool = False) -> None:
    """Draw a preview; `whole` shows every line and the wire form."""
    _head(out, made)
    for one in made.rendered:
        _draw(out, one, made.release.zone, root, whole=whole)
    out.print(f"[bold]seal[/]  {made.digest}")


def _head(out: Console, made: Preview) -> None:
    release = made.release
    out.print(f"[bold]{draw.plain(release.main.headline)}[/]")
    tags = ", ".join(text.lang for text in release.languages)
    out.print(f"{release.id} · version {release.version} · {tags} · {draw.plain(release.issuer.name)}")
    moment = draw.when(made.lift, release.zone)
    label = "embargoed until" if release.embargoed_until else "goes out"
    out.print(f"{label} {moment if made.lift_is_fixed else 'when it is scheduled (the bytes below show now)'}")
    draw.findings(out, made.findings)
    out.print()


def _draw(out: Console, one: Rendered, zone: str, root: Path | None, *, whole: bool) -> None:
    message = one.message
    out.rule(f"[bold]{message.channel}[/] · {message.lang}", align="left", style="dim")
    where = "live" if one.channel.destination.live else "local"
    out.print(f"[dim]{where}[/] {draw.place(one.channel.place(message), root)}  [dim]at[/] {draw.when(one.due, zone)}")
    for url in (*((message.page,) if message.page else ()), *message.awaits):
        most = (
            f", for {message.page_within / 60:.0f} minutes at most"
            if url == message.page and message.page_within
            else ""
        )
        out.print(f"[dim]waits until[/] {draw.plain(url)} [dim]answers{most}[/]", soft_wrap=True)
    for name, value in message.headers:
        out.print(f"[dim]{name}:[/] {draw.plain(value)}")
    if message.title not in message.text and not message.headers:
        out.print(f"\n  [bold]{draw.plain(message.title)}[/]")
    lines, more = draw.first_lines(message.text, 10_000 if whole else _SHOWN_LINES)
    out.print()
    for line in lines:
        out.print(f"  {draw.plain(line)}")
    if more:
        out.print(f"  [dim]… {counted(more, 'more line')} (--channel {message.channel} shows all)[/]")
    out.print()
    _facts(out, one)
    if whole:
        out.print("[dim]wire[/]")
        out.print(message.content.decode("utf-8", "backslashreplace"), markup=False, soft_wrap=True)


def _facts(out: Console, one: Rendered) -> None:
    message = one.message
    for count in message.counts:
        style = "bold red" if count.over else "green"
        out.print(f"[{style}]{count.used}[/] of {count.limit} {count.unit}")
    _draw_post(out, one)
    for dropped in message.dropped:
        out.print(f"[yellow]dropped[/]  {draw.plain(dropped.text)} [dim]{draw.plain(dropped.why)}[/]")
    draw.findings(out, one.findings)
    for copy in one.copies:
        out.print(f"[dim]sha256 {copy.digest[:16]}…  {copy.size:>7,} bytes  {draw.plain(copy.recipient.address)}[/]")
    out.print()


def _draw_post(out: Console, one: Rendered) -> None:
    """What stands around the words of a social post."""
    meta, said = one.message.meta, statements.of(one.channel, one.message)
    if said.card:
        out.print(f"[dim]card[/]  {draw.plain(said.card['title'])} [dim]{draw.plain(said.card['host'])}[/]")
    for file in said.photos:
        words = f"[dim]ALT[/] {draw.plain(file.alt or 'none')}" if said.alt_text else "[dim]without alt text[/]"
        out.print(f"[dim]photo[/] {draw.plain(file.name)} {words}")
    if meta.get("network"):
        later = f"{'can' if said.edit else 'cannot'} be edited, {'can' if said.delete else 'cannot'} be deleted"
        out.print(f"[dim]{'once live' if said.once_live else 'afterwards'}[/]  {later}")
    for name in ("cost", "topic", "hidden_tags"):
        if meta.get(name):
            out.print(f"[dim]{name.replace('_', ' ')}[/]  {draw.plain(meta[name])}")


def _write_page(desk: Desk, made: Preview, path: Path) -> None:
    from distributor import files, sheet

    try:
        files.write_out(path, sheet.page(made, desk.press.templates, root=desk.site.root).encode())
    except OSError as error:
        raise ActionError(f"cannot write {path}: {error.strerror}") from None


def _write_bytes(made: Preview, folder: Path) -> None:
    from distributor import files

    try:
        for one in made.rendered:
            for name, data in one.channel.exhibits(one.message).items():
                files.write_atomic(folder / _folder_name(one.message) / name, data)
    except OSError as error:
        raise ActionError(f"cannot write into {folder}: {error.strerror}") from None


def _folder_name(message: Message) -> str:
    return f"{message.channel}.{message.lang}"
