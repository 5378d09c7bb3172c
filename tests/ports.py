"""Ports that stay free between asking and listening.

What the kernel hands out for port 0 may be taken, a moment later, by the connection of another
test. These lie below the range from which connections get theirs, each test worker has a stretch
of its own, and none is given out twice before the stretch is used up. Never imports tercel.
"""

import itertools
import os
import socket

__all__ = ["free_port"]

STRETCH = 1500
FIRST = 11000

_worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
_start = FIRST + (int(_worker) if _worker.isdigit() else 0) % 12 * STRETCH
# Two sessions at the same time on one machine begin at different places.
_ports = itertools.cycle(range(_start, _start + STRETCH))
for _ in range(os.getpid() * 37 % STRETCH):
    next(_ports)


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens."""
    for _ in range(STRETCH):
        port = next(_ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port between {_start} and {_start + STRETCH} is free")
