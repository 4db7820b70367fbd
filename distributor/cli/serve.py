"""`serve`: the public folder on this machine, with the page of unsubscribe links in front of it."""

import asyncio
from urllib.parse import urlsplit

import click

from distributor.cli.main import Setting


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8600, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback unless you say otherwise.")
@click.pass_obj
def serve_command(setting: Setting, port: int, host: str) -> None:
    """Show the public folder on this machine: what is released, and nothing else. Unsubscribe links are answered, too."""
    import uvicorn

    from distributor.cli import leaving, listening, output
    from distributor.cli.folder import Public
    from distributor.desk import publishing
    from distributor.errors import DistributorError

    desk = setting.desk()
    desk.site.need_root()
    folder = desk.places.public
    folder.mkdir(parents=True, exist_ok=True)
    try:
        problems = publishing.open_public(desk)
    except DistributorError as error:  # it shows what is there, whatever is wrong with the channels
        problems = [str(error)]
    for problem in problems:
        output.say(f"note: {problem}", err=True)
    base = urlsplit(desk.settings.newsroom.url).path.rstrip("/")
    listens = listening.listener(host, port)
    app = leaving.in_front(Public(folder, base), base, desk, setting.clock.now)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", server_header=False, proxy_headers=False
    )
    output.say(f"serving {folder} on {listening.address(host, listens)} · Ctrl-C stops")
    try:
        asyncio.run(uvicorn.Server(config).serve(sockets=[listens]))
    except KeyboardInterrupt:
        output.say("stopped")
