"""`connect`: a person lets this program write on their network's account. Once; after that the connection renews itself."""

import asyncio
import contextlib
import webbrowser
from datetime import UTC, datetime

import click

from distributor.cli import as_json, draw, output
from distributor.cli.main import Setting, json_option
from distributor.contract import DeliveryError
from distributor.errors import ActionError
from distributor.http import Http
from distributor.posts import Connected
from distributor.posts.oauth import Flow
from distributor.posts.vault import Tokens

#: How long a person may take to say yes.
_PATIENCE = 600.0
_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>distributor</title>"
    "<p style='font:1.2rem system-ui;margin:3rem'>{}</p>"
)


@click.command("connect")
@click.argument("channel")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8484,
    show_default=True,
    help="Of the redirect address that the network knows.",
)
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--forget", is_flag=True, help="Delete the connection that is there.")
@json_option
@click.pass_obj
def connect_command(setting: Setting, channel: str, port: int, *, no_browser: bool, forget: bool, json_: bool) -> None:
    """Let CHANNEL write on its network's account: you say yes in the browser, the tokens go into the system's keyring or a
    file that DISTRIBUTOR_KEY opens. Needs client_id in the channel's block, and at the network http://127.0.0.1:8484/callback
    as a redirect address.
    """
    desk = setting.desk((channel,))
    desk.site.need_root()
    found = desk.channels[channel]
    if not isinstance(found, Connected):
        raise ActionError(f"'{channel}' needs no connection: `distributor doctor` says what it needs")
    if forget:
        found.vault.remove()
        if json_:
            as_json.show({"channel": channel, "connected": False})
            return
        output.say(f"{channel}: the connection is deleted here; take the program's access away at {found.NETWORK}, too")
        return
    if not found.client_id:
        raise ActionError(f"[channels.{channel}] client_id: set it to your application's, from {found.NETWORK}'s site")
    tokens = asyncio.run(_consent(found, port, browser=not no_browser, aside=json_))
    place = found.vault.write(tokens)
    if json_:
        as_json.show({"channel": channel, "connected": True, "tokens_in": place, "ends": tokens.ends})
        return
    output.say(f"{channel} is connected; the tokens are in {place}")
    if tokens.ends:
        output.say(f"connect again before {draw.when(tokens.ends, 'UTC')}")


async def _consent(channel: Connected, port: int, *, browser: bool, aside: bool) -> Tokens:
    """Ask, wait for the browser to come back, trade the code; `aside`: stdout is for JSON alone."""
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def callback(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = (await reader.readuntil(b"\r\n")).decode("latin-1").split(" ")
            ours = len(line) == 3 and line[0] == "GET" and line[1].startswith("/callback?")
            words = "Thank you. You can close this window." if ours else "There is nothing here."
            body = _PAGE.format(words).encode()
            status = "200 OK" if ours else "404 Not Found"
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            if ours and not answered.done():
                answered.set_result(line[1])
        writer.close()

    try:
        server = await asyncio.start_server(callback, "127.0.0.1", port)  # this machine alone (RFC 8252 §8.3)
    except OSError as error:
        raise ActionError(f"port {port} is taken ({error.strerror}); name another with --port") from None
    bound = server.sockets[0].getsockname()[1]
    flow = Flow(channel.oauth, channel.client_id or "", f"http://127.0.0.1:{bound}/callback")
    http = Http(private=channel.private_network)
    try:
        output.say(f"Say yes in the browser: {flow.url}", err=aside)
        if browser:
            webbrowser.open(flow.url)
        back = await asyncio.wait_for(answered, _PATIENCE)
        secret = channel.client_secret.reveal() if channel.client_secret else None
        tokens = await flow.trade(back, secret, http, datetime.now(UTC))
        return await channel.consented(tokens, http)
    except TimeoutError:
        raise ActionError("nobody said yes within ten minutes; try again") from None
    except DeliveryError as error:
        raise ActionError(error.reason) from None
    finally:
        server.close()
        await http.close()
