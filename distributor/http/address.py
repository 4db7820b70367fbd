"""Which addresses the public internet reaches."""

import ipaddress

#: Why a request was not made.
PRIVATE = "is an address of a private network"


def is_public(host: str) -> bool:
    """False for a literal address that only this house reaches; a name is judged by what it resolves to."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
