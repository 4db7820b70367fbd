"""`desk`: the web desk on this machine."""

import asyncio
import contextlib
import ctypes
import ipaddress
import logging
import socket
from importlib.util import find_spec
from urllib.parse import urlsplit

import click

from distributor.cli import listening, locks, output
from distributor.cli.main import Setting
from distributor.errors import ActionError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_M_ARENA_MAX = -8  # malloc.h
_NEEDED = ("starlette", "argon2", "pyotp", "multipart", "babel", "segno", "icalendar")


@click.command("desk")
@click.option("--port", type=click.IntRange(0, 65535), default=8700, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless you say otherwise.")
@click.option("--url", default="", help="The address that people type, such as https://desk.example.com.")
@click.option(
    "--proxy", "proxies", multiple=True, metavar="ADDRESS", help="Believe the X-Forwarded headers of this one."
)
@click.option("--insecure", is_flag=True, help="Let people in over the network without TLS.")
@click.pass_obj
def desk_command(setting: Setting, port: int, host: str, url: str, proxies: tuple[str, ...], *, insecure: bool) -> None:
    """The web desk: write, preview, approve, schedule, watch. The first start prints a link that makes the admin."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise ActionError(f"the desk needs {missing[0]}: pip install 'press-distributor[desk]'")
    address = urlsplit(url)
    if url and (address.scheme not in ("http", "https") or not address.hostname or address.path.strip("/")):
        raise ActionError(f"'{url}' is no address of a desk; write it as https://desk.example.com")
    exposed = host not in _LOOPBACK or address.hostname not in (None, *_LOOPBACK)
    if exposed and address.scheme != "https" and not insecure:
        raise ActionError(
            f"on {host if host not in _LOOPBACK else url} passwords would travel in the clear: put a web server with TLS in front "
            "and name its address with --url https://… (docs/desk.md), or say --insecure"
        )
    for one in proxies:
        _refuse_proxy(one)
    site = setting.desk().site
    site.need_root()
    _spare_memory()
    listener = listening.listener(host, port)
    with locks.present(site.state_folder()):
        _serve(setting, listener, url.rstrip("/") or listening.address(host, listener), proxies)


def _refuse_proxy(text: str) -> None:
    """Raise UsageError for what is neither an address nor a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise click.UsageError(f"--proxy: '{text}' is no address; write 127.0.0.1 or 10.0.0.0/8") from None


def _spare_memory() -> None:
    """Glibc keeps memory for each of many threads and gives none of it back (mallopt(3)); two such places are enough for a
    desk. Other C libraries do not have the setting.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _serve(setting: Setting, listener: socket.socket, base: str, proxies: tuple[str, ...]) -> None:
    import uvicorn

    from distributor.web.app import app, close
    from distributor.web.signin import first_link

    made = app(setting.desk().site, setting.clock, base=base, proxies=proxies)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    config = uvicorn.Config(
        made,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,  # the app does that, and only for --proxy
        timeout_graceful_shutdown=3,  # a live board never ends by itself
    )
    output.say(f"the desk is at {base} · Ctrl-C stops")
    if link := first_link(made.state.house):
        output.say(f"nobody can sign in yet; open this link, once, to become the admin:\n  {link}")
    try:
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    except KeyboardInterrupt:
        output.say("stopped")
    finally:
        close(made)
