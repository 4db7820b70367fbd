"""Web addresses: which the public internet reaches, and how one is made longer."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

#: Why a request was not made.
PRIVATE = "is an address of a private network"
#: IPv6 networks whose last 32 bits are an IPv4 address: NAT64 (RFC 6052 §2.1, RFC 8215) and the
#: deprecated IPv4-compatible form (RFC 4291 §2.5.5.1).
_CARRY_IPV4 = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
#: Reserved, but `is_global` is true for some of them in some versions of Python: site-local
#: (RFC 3879), discard-only (RFC 6666), ORCHID (RFC 4843, RFC 7343), SRv6 SIDs (RFC 9602).
_RESERVED = tuple(map(ipaddress.IPv6Network, ("fec0::/10", "100::/64", "2001:10::/28", "2001:20::/28", "5f00::/16")))


def is_public(host: str) -> bool:
    """Return False for a literal address that the public internet does not reach.

    A name counts as public here: it is judged by what it resolves to, at every connection.
    """
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return all(map(_is_reached, _inside(found)))


def _inside(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return the address and every IPv4 address that a gateway would take out of it."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if any(address in network for network in _CARRY_IPV4):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    carried = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in carried if one)]


def _is_reached(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and any(address in network for network in _RESERVED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def extended(url: str, path: str = "", **query: str) -> str:
    """Return the address with `path` after its own path and `query` after its own query, of which nothing is lost but what is
    given anew. A fragment goes: it never travels (RFC 9110 §7.1).
    """
    address, _, given = url.partition("#")[0].partition("?")
    kept = [part for part in given.split("&") if part and part.partition("=")[0] not in query]
    parts = [*kept, *(f"{name}={quote(value, safe='')}" for name, value in query.items())]
    base = f"{address.rstrip('/')}{path}" if path else address
    return f"{base}?{'&'.join(parts)}" if parts else base
