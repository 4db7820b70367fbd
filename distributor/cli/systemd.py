"""Words to the service manager that started us, where one did."""

import os
import socket
from contextlib import suppress


def tell(words: str) -> None:
    """Readiness and watchdog (sd_notify(3)), where a service manager asked for them."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        # A manager that went away is no reason to stop delivering.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            to.send(words.encode())
