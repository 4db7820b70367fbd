"""`demo`: one release through the whole tool, watched from outside."""

import asyncio
import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from distributor import embargo, files, sheet
from distributor.cli import actions, as_json, draw, output, run, setup, write
from distributor.cli.main import Setting, json_option
from distributor.desk import Desk
from distributor.errors import ActionError
from distributor.plain import counted
from distributor.site import Site

_ZONE = "Asia/Hong_Kong"
_AHEAD = timedelta(seconds=10)
_PREVIEWS = 5  #: how many times the work of the first preview fits before the instant


@dataclass
class _Watch:
    """Looks from outside at the folders where output appears.

    What lies there already is no output: a new site has valid feeds and lists without an item.
    """

    folders: tuple[Path, ...]
    looks: int = 0
    early: list[Path] = field(default_factory=list)
    _before: dict[Path, bytes] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Remember every byte that is there before the release is on its way."""
        self._before = {path: path.read_bytes() for path in self.files()}

    def files(self) -> Iterator[Path]:
        """Everything that has left so far: files that are new, or hold something else than before."""
        for folder in self.folders:
            found = (path for path in folder.rglob("*") if path.is_file())
            yield from (path for path in found if self._before.get(path) != path.read_bytes())

    async def until(self, instant: datetime, desk: Desk) -> None:
        """Look every 20 ms until the instant."""
        while desk.clock.now() < instant:
            found = list(self.files())
            if desk.clock.now() < instant:  # else the look itself crossed the instant
                self.looks += 1
                self.early += found
            await asyncio.sleep(0.02)


@click.command("demo")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Where (default: a new temporary folder)."
)
@json_option
@click.pass_obj
def demo_command(setting: Setting, folder: Path | None, *, json_: bool) -> int:
    """Watch one release go through the whole tool: preview, seal, embargo, delivery, proof. Sends nothing anywhere."""
    root = folder or Path(tempfile.mkdtemp(prefix="distributor-demo-"))
    with contextlib.redirect_stdout(io.StringIO()) if json_ else contextlib.nullcontext():
        code, facts = _play(setting, root)
    if json_:
        as_json.show(facts)
    return code


def _play(setting: Setting, root: Path) -> tuple[int, dict[str, Any]]:
    """Go through the whole tool in a folder; returns the exit code and what `--json` prints."""
    out = draw.console()
    out.rule("[bold]1[/] a site with a sample release", align="left")
    for line in setup.make_site(root)[:-1]:
        output.say(line)
    desk = Desk(site=Site(root.resolve()), clock=setting.clock)
    release = root / "releases" / "harbour-line.md"
    began = setting.clock.monotonic()
    desk.preview(release)  # on a slow or busy machine the steps before the instant take longer, too
    took = timedelta(seconds=setting.clock.monotonic() - began)
    instant = (setting.clock.now() + _AHEAD + _PREVIEWS * took).replace(microsecond=0) + timedelta(seconds=1)
    _embargo_at(release, instant)

    out.rule("[bold]2[/] preview: exactly what each channel will send", align="left")
    made = desk.preview(release)
    write.show(out, made, desk.site.root)
    page = root / "preview.html"
    files.write_atomic(page, sheet.page(made, desk.press.templates, root=desk.site.root).encode())

    out.rule("[bold]3[/] schedule: the previewed bytes are sealed", align="left")
    done = desk.schedule(release)
    actions.draw_scheduled(out, done, desk.site.root)
    same = "the same digest as the preview" if done.release.seal == made.digest else "NOT the digest of the preview"
    output.say(f"      {same}")

    out.rule(f"[bold]4[/] run: waiting for {draw.when(instant, _ZONE)}", align="left")
    watch = _Watch((desk.places.public, desk.places.outbox))
    asyncio.run(_run(desk, watch, instant))
    facts = {"folder": str(desk.site.root), "id": done.release.id, "preview": str(page.resolve()), "instant": instant}
    code = _report(desk, watch, instant, release_id=done.release.id, page=page)
    return code, {**facts, "early": len(watch.early), "seal": done.release.seal, "seal_holds": not code}


def _embargo_at(release: Path, instant: datetime) -> None:
    text = release.read_text(encoding="utf-8")
    line = next(line for line in text.split("\n") if line.startswith("embargoed_until:"))
    written = embargo.Embargo(instant, _ZONE)
    files.write_atomic(release, text.replace(line, f"embargoed_until: {written}").encode())


async def _run(desk: Desk, watch: _Watch, instant: datetime) -> None:
    watching = asyncio.create_task(watch.until(instant, desk))
    await run.serve_alarm(desk, until_idle=True)
    watching.cancel()  # still looking only when somebody stopped the demo before the instant


def _list(written: list[Path], root: Path) -> None:
    """What a person may want to open: the pages and posts, not the topics, archives and packed copies beside them."""
    plain = [path for path in written if path.suffix not in (".br", ".gz")]
    shown = [path for path in plain if not {"tag", "archive", "feeds"} & set(path.relative_to(root).parts)]
    for path in shown:
        output.say(f"  {path.stat().st_size:>7,} bytes  {path.relative_to(root)}")
    if len(written) > len(shown):
        output.say(f"  and {len(written) - len(shown)} more: topics, archives, and copies packed by gzip and brotli")


def _report(desk: Desk, watch: _Watch, instant: datetime, *, release_id: str, page: Path) -> int:
    out = draw.console()
    out.rule("[bold]5[/] what happened", align="left")
    output.say(
        f"looked {counted(watch.looks, 'time')} before the instant: {counted(len(watch.early), 'file')} had left"
    )
    _, releases = desk.status()
    rows = next(rows for one, rows in releases if one.id == release_id)
    lags = [(row.sent_at - instant).total_seconds() * 1000 for row in rows if row.sent_at]
    if not lags:
        place = desk.site.root
        raise ActionError(f"stopped before the instant: nothing was sent ('distributor --site {place} run' sends it)")
    output.say(
        f"{len(lags)} of {len(rows)} delivered: first {min(lags):.0f} ms, last {max(lags):.0f} ms after the instant"
    )
    written = [path.stat().st_mtime for path in watch.files()]
    if written:
        output.say(
            f"first byte in a file {(min(written) - instant.timestamp()) * 1000:.0f} ms after it, by the file system's clock"
        )
    output.say()
    _list(sorted(watch.files()), desk.site.need_root())
    release, seal_holds, proofs = desk.verify(release_id)
    holds = seal_holds and all(proof.holds for proof in proofs)
    output.say()
    output.say(f"seal {release.seal[:16]}…: {'every sent byte is the previewed byte' if holds else 'THE BYTES DIFFER'}")
    output.say(f"preview page: {page.resolve().as_uri()}")
    output.say(f"the site:     {desk.site.root}   (cd there, then: distributor status)")
    if watch.early or not holds or len(lags) != len(rows):
        raise ActionError("the demo did not go as it must: see above")
    return 0
