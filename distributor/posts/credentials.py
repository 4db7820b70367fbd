"""The credential of a social channel: a secret by reference, or a connection that `distributor connect` made."""

from typing import TYPE_CHECKING

from distributor.contract import Unauthorized
from distributor.errors import ConfigError
from distributor.http import Http
from distributor.settings import Secret

if TYPE_CHECKING:
    from distributor.posts.social import Social


def missing(channel: "Social") -> str | None:
    """What has to be set before the channel can send, or None."""
    secret = getattr(channel, channel.SECRET, None)
    if isinstance(secret, Secret):
        return secret.missing()
    return None


async def reveal(channel: "Social", http: Http) -> str:  # noqa: ARG001, RUF029
    """The credential itself, fit to stand in a header or URL. Raises Unauthorized where it cannot be read."""
    secret = getattr(channel, channel.SECRET, None)
    where = f"[channels.{channel.name}] {channel.SECRET}"
    if not isinstance(secret, Secret):
        raise Unauthorized(f"{where}: it is not set")
    try:
        value = secret.reveal().strip()
    except (ConfigError, OSError, UnicodeDecodeError):
        raise Unauthorized(f"{where}: {secret.missing() or 'it'} cannot be read") from None
    if not value.isascii() or not value.isprintable() or " " in value or not value:
        raise Unauthorized(f"{where}: it holds characters that no credential has")
    return value
