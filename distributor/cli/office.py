"""`desk`: the web desk on this machine."""

import asyncio
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from distributor.cli.main import Setting
from distributor.errors import ActionError

if TYPE_CHECKING:
    from starlette.applications import Starlette

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command("desk")
@click.option("--port", type=click.IntRange(0, 65535), default=8700, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback, unless --url is https.")
@click.option("--url", metavar="URL", help="The desk's address as people see it, behind a proxy with TLS.")
@click.option("--proxy", metavar="ADDRESS", help="Believe X-Forwarded-For and -Proto from this address alone.")
@click.pass_obj
def desk_command(setting: Setting, port: int, host: str, url: str | None, proxy: str | None) -> None:
    """The desk in a browser: write, preview, schedule, watch. The first start prints a link that makes the first admin."""
    if host not in _LOOPBACK and urlsplit(url or "").scheme != "https":
        raise ActionError(
            f"{host} can be reached from elsewhere: passwords would travel in the open. Put a proxy with TLS in front and "
            "say --url https://…, or stay on 127.0.0.1"
        )
    try:
        import uvicorn

        from distributor.web.app import app
    except ModuleNotFoundError as error:
        raise ActionError(f"{error.name} is missing: pip install 'press-distributor[desk]'") from None
    desk = setting.desk()
    desk.site.need_root()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ActionError(f"cannot listen on {host}:{port}: {reason}; choose another with --port") from None
    base = (url or f"http://{host}:{listener.getsockname()[1]}").rstrip("/")
    with desk.ledger(create=True) as ledger:
        made = app(desk.site, setting.clock, ledger, base=base)
        config = uvicorn.Config(
            made,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(proxy),
            forwarded_allow_ips=proxy or "",
            timeout_graceful_shutdown=2,
        )
        _greet(made, base)
        try:
            asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
        except KeyboardInterrupt:
            click.echo("stopped")


def _greet(made: "Starlette", base: str) -> None:
    click.echo(f"the desk is on {base} · Ctrl-C stops")
    if made.state.first:
        click.echo(f"nobody has access yet; this link makes the first admin, once: {base}/first/{made.state.first}")
