"""What systemd says and wants to hear: sockets of a .socket unit, and READY=1 of a .service.

In: the environment that it sets (sd_listen_fds(3), sd_notify(3)). Out: descriptors, and datagrams
to its socket. Without systemd nothing happens.
"""

import os
import socket

__all__ = ("inherited_descriptors", "notify")

_FIRST = 3


def inherited_descriptors() -> list[int]:
    """The listening sockets that were handed over; none if they are meant for another process.

    The variables are taken out of the environment, so that no child takes them for its own.
    """
    pid = os.environ.pop("LISTEN_PID", "")
    count = os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    return list(range(_FIRST, _FIRST + int(count)))


def notify(text: str) -> None:
    """Tell systemd, such as "READY=1" or "STOPPING=1"; in vain where nobody listens."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path or not hasattr(socket, "AF_UNIX"):
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.sendto(text.encode(), address)
        except OSError:
            return
