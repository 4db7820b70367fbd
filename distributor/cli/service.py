"""`serve`: the public folder on this machine."""

import io
import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import click

from distributor.cli.main import Setting
from distributor.errors import ActionError


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8600, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless you say otherwise.")
@click.pass_obj
def serve_command(setting: Setting, port: int, host: str) -> None:
    """Show the public folder on this machine: what is released, and nothing else."""
    desk = setting.desk()
    desk.site.need_root()
    public = desk.places.public
    public.mkdir(parents=True, exist_ok=True)
    try:
        server = ThreadingHTTPServer((host, port), partial(_Public, directory=str(public)))
    except OSError as error:
        raise ActionError(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port") from None
    click.echo(f"serving {public} on http://{host}:{server.server_port} · Ctrl-C stops")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        server.server_close()


class _Public(SimpleHTTPRequestHandler):
    """Files only: no listings (they would show what is there), no hidden files."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".xml": "application/rss+xml; charset=utf-8"}  # noqa: RUF012  the base class has it mutable

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """A folder answers as a name that is not there: no listing, no redirect."""
        if Path(self.translate_path(self.path)).is_dir():
            self.send_error(404)
            return None
        return super().send_head()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """One body for every 404, so that nothing can be told from it."""
        super().send_error(code)

    def translate_path(self, path: str) -> str:
        """A hidden name (a half-written file) is no file."""
        found = super().translate_path(path)
        hidden = any(part.startswith(".") for part in Path(found).relative_to(self.directory).parts)
        return os.devnull + "/" if hidden else found

    def end_headers(self) -> None:
        """No sniffing, and no caching of a 404 past the embargo."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "public, max-age=60" if getattr(self, "_ok", False) else "no-store")
        super().end_headers()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Remember whether it is a success."""
        self._ok = code in (200, 304)
        super().send_response(code, message)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Quiet: the live line belongs to `run`."""
