"""The sockets that `tercel run` listens on, made before any worker is started.

In: hosts and a port, paths, or descriptors that were inherited. Out: bound and listening sockets,
whose queue of connections outlives every worker; Mistake, naming the place, where one can't be had.
"""

import errno
import os
import socket
import stat
from collections.abc import Mapping

from tercel.cli.mistakes import Mistake, sentence_of
from tercel.cli.settings import Settings
from tercel.cli.systemd import inherited_descriptors
from tercel.net.listen import format_address

__all__ = ("close_sockets", "describe", "find_files", "open_sockets")

_REASONS = {
    errno.EADDRINUSE: "is taken by another program",
    errno.EACCES: "may not be used by this user",
    errno.EADDRNOTAVAIL: "is no address of this machine",
    errno.ENOENT: "lies in no folder that exists",
}


def open_sockets(settings: Settings) -> list[socket.socket]:
    """Listen on every place that `settings` name; on 127.0.0.1:8080 where they name none.

    Descriptors that systemd handed over (LISTEN_FDS) are used where no other place is named.
    """
    made: list[socket.socket] = []
    numbers = list(settings.fd)
    if not (numbers or settings.host or settings.path or settings.port is not None):
        numbers = inherited_descriptors()
    try:
        for number in numbers:
            made.append(_adopt(number, settings.backlog))
        for path in settings.path:
            made.append(_bind_unix(path, settings.backlog))
        if settings.host or settings.port is not None or not made:
            port = settings.port
            if port is None:
                port = 8443 if settings.cert else 8080
            for host in settings.host or ("127.0.0.1",):
                made.extend(_bind_tcp(host, port, settings.backlog))
    except BaseException:
        close_sockets(made, {})
        raise
    for sock in made:
        sock.set_inheritable(False)
    return made


def find_files(settings: Settings) -> dict[str, int]:
    """The files of the Unix sockets that were made, and their inodes."""
    return {path: os.stat(path).st_ino for path in settings.path}


def close_sockets(sockets: list[socket.socket], files: Mapping[str, int]) -> None:
    """Close them, and take away `files`, unless another process has put its own there since."""
    for sock in sockets:
        sock.close()
    for path, inode in files.items():
        try:
            if os.stat(path).st_ino == inode:
                os.unlink(path)
        except OSError:
            continue


def describe(sock: socket.socket, *, tls: bool) -> str:
    """The URL of a socket's address, as sites name theirs."""
    scheme = "https" if tls else "http"
    name = sock.getsockname()
    if sock.family == getattr(socket, "AF_UNIX", None):
        return f"{scheme}://unix:{os.fsdecode(name)}:"
    return format_address(scheme, name[0], name[1])


def _adopt(number: int, backlog: int) -> socket.socket:
    try:
        sock = socket.socket(fileno=number)
    except OSError as error:
        raise Mistake(f"descriptor {number} is no socket: {sentence_of(error)}") from error
    if sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise Mistake(f"descriptor {number} is no stream socket")
    try:
        sock.listen(backlog)
        sock.setblocking(False)
    except OSError as error:
        sock.detach()
        raise Mistake(f"descriptor {number} can't listen: {sentence_of(error)}") from error
    return sock


def _bind_tcp(host: str, port: int, backlog: int) -> list[socket.socket]:
    place = format_address("http", host, port).removeprefix("http://")
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (socket.gaierror, UnicodeError, OverflowError) as error:
        raise Mistake(f"host {host!r} is not known: {error}") from error
    made: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        sock = socket.socket(family, kind, protocol)
        made.append(sock)
        try:
            if os.name == "posix":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(backlog)
        except OSError as error:
            close_sockets(made, {})
            raise _explain(f"{place}", error) from error
        sock.setblocking(False)
    return made


def _bind_unix(path: str, backlog: int) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise Mistake("this system has no Unix sockets, so --path can't be used")
    _make_room(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise _explain(f"socket {path}", error) from error
    sock.setblocking(False)
    return sock


def _make_room(path: str) -> None:
    """Take away a socket that an earlier process left; leave one that somebody serves."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise Mistake(f"{path} is there already, and is no socket")
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError:
            return


def _explain(place: str, error: OSError) -> Mistake:
    reason = _REASONS.get(error.errno or 0)
    return Mistake(f"{place} {reason}" if reason else f"{place}: {sentence_of(error)}")
