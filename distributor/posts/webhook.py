"""A webhook's address is a place and a secret in one: this tells the two apart."""

import hashlib
from urllib.parse import parse_qs, urlsplit

from distributor.settings import Secret

_PLACE = ("thread_id",)  #: parts of the query that choose a place; the others sign or choose a version


def shown(url: str) -> str:
    """Return the server and a mark of the place, free of the secret: the same after the secret was rotated.

    The last part of the path and every signature are the secret (Slack: `/services/T…/B…/secret`, Discord:
    `/api/webhooks/number/token`); what stands before names workspace, channel or flow.
    """
    try:
        parts = urlsplit(url.strip())
        host, query = parts.hostname or "", parse_qs(parts.query)
    except ValueError:
        return "an address that cannot be read"
    folder = parts.path.rstrip("/").rpartition("/")[0]
    chosen = [f"{name}={','.join(query[name])}" for name in _PLACE if name in query]
    mark = hashlib.sha256("\n".join([folder, *chosen]).encode()).hexdigest()[:8]
    return f"{host}:{parts.port} ({mark})" if parts.port else f"{host} ({mark})"


def fact(secret: object) -> str | None:
    """Return the same of an address by reference; None where it is not set on this machine."""
    return shown(secret.reveal()) if isinstance(secret, Secret) and not secret.missing() else None
