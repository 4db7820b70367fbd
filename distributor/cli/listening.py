"""The address that a server of ours listens on."""

import socket

from distributor.errors import ActionError


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens; raises ActionError with the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=2048)
    except socket.gaierror as error:
        raise ActionError(
            f"cannot listen on {host}: {error.strerror}; name an address of this machine with --host"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ActionError(f"cannot listen on {host}:{port}: {reason}; choose another with --port") from None
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a body waits 40 ms for the answer to its head
    return made


def address(host: str, made: socket.socket) -> str:
    """How a browser on this machine reaches it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{made.getsockname()[1]}"
