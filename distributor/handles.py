"""The handle map: what an organisation or a person is called on each network, so that a post can mention them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from distributor.fields import Line

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*"


def _key(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"'{text}' cannot be written after '@'; begin with a letter, then letters, digits, '_' and '-'"
        )
    return text


def _is(pattern: str, example: str) -> Callable[[str], str]:
    """Return a check that takes a handle with or without its '@', and says what a right one looks like."""

    def check(text: str) -> str:
        value = text.strip().removeprefix("@")
        if not re.fullmatch(pattern, value):
            raise ValueError(f"'{text}' is no account there; write it as in {example}")
        return value

    return check


#: The name that stands after `@` in a text.
Key = Annotated[str, AfterValidator(_key)]
_User = Annotated[str, AfterValidator(_is(r"[A-Za-z0-9_.]{1,40}", "tidewater"))]
_Fediverse = Annotated[str, AfterValidator(_is(rf"[A-Za-z0-9_.-]+@{_DOMAIN}", "tidewater@mastodon.example"))]
_Domain = Annotated[str, AfterValidator(_is(_DOMAIN, "tidewater.bsky.social"))]
_Did = Annotated[
    str, AfterValidator(_is(r"did:(?:plc|web):[A-Za-z0-9._:%-]*[A-Za-z0-9._-]", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"))
]
_Urn = Annotated[
    str, AfterValidator(_is(r"urn:li:(?:organization|person):[A-Za-z0-9_-]+", "urn:li:organization:10000001"))
]
_Number = Annotated[str, AfterValidator(_is(r"[0-9]{1,20}", "100064000000001"))]
_Slack = Annotated[str, AfterValidator(_is(r"[UWS][A-Z0-9]{2,20}", "U0123ABCD (a person) or S0123ABCD (a group)"))]
_Discord = Annotated[
    str, AfterValidator(_is(r"&?[0-9]{1,20}", "81384788765712384 (a person) or &165511591545143296 (a role)"))
]
_Matrix = Annotated[
    str, AfterValidator(_is(rf"[a-z0-9._=/+-]+:(?:{_DOMAIN}|localhost)(?::\d+)?", "@tidewater:matrix.example"))
]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bluesky(_Block):
    """An account on Bluesky: a mention names its DID, a reader sees its handle."""

    handle: _Domain
    did: _Did


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody on one network."""

    shown: str  #: as a reader sees the mention
    target: str  #: as the network calls the account: DID, URN, number or handle


class Handle(_Block):
    """One organisation or person: `[house.handles.NAME]`, written `@NAME` in a text of one's own."""

    name: Line  #: where the network shows a name, or has no account in this map
    x: _User | None = None
    mastodon: _Fediverse | None = None
    bluesky: Bluesky | None = None
    linkedin: _Urn | None = None  #: its `name` must be the page's own
    threads: _User | None = None
    facebook: _Number | None = None  #: the Page's number
    telegram: _User | None = None
    slack: _Slack | None = None
    discord: _Discord | None = None
    matrix: _Matrix | None = None

    def on(self, network: str) -> Account | None:
        """Return the account on a network, by the name of its channel type; None where the map has none."""
        value = getattr(self, network, None) if network in Handle.model_fields and network != "name" else None
        if value is None:
            return None
        if isinstance(value, Bluesky):
            return Account(shown=f"@{value.handle}", target=value.did)
        if network in ("x", "mastodon", "threads", "telegram"):
            return Account(shown=f"@{value}", target=value)
        if network == "matrix":
            return Account(shown=self.name, target=f"@{value}")
        return Account(shown=f"@{self.name}" if network in ("slack", "discord") else self.name, target=value)
