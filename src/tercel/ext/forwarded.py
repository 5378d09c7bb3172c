"""Requests as the client made them, though a proxy stands in between (web_advanced, "Deploying
behind a Proxy").

In: which proxies are ours. Out: a middleware that sets remote, scheme and host by `request.clone`
from what trusted proxies say in `Forwarded` (RFC 7239) or `X-Forwarded-*`. What a client itself
writes there is never believed: the chain is read from the end, for as long as it is trusted.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from tercel import web
from tercel.web.accesslog import FORWARDED_REMOTE

__all__ = ("forwarded_middleware",)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNIX = "unix"
_ANY = "*"
#: More hops than this are no chain of proxies of anybody.
_MAX_HOPS = 32
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'\s*({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")\s*')
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCHEMES = {"http", "https", "ws", "wss"}


class Hop(NamedTuple):
    """What one proxy says of the one before it, as it wrote it; None for what it does not say."""

    remote: str | None = None
    scheme: str | None = None
    host: str | None = None


def forwarded_middleware(
    trusted: Iterable[str] = ("127.0.0.0/8", "::1", _UNIX),
    *,
    header: str = "X-Forwarded",
    read: Iterable[str] = ("remote", "scheme"),
) -> Any:
    """A middleware that believes the proxies in `trusted`; put it before those that ask who asks.

    `trusted` holds addresses and networks, `unix` for peers on a Unix socket, or `*` for everybody,
    where nobody else can reach the server. `header` names the one dialect that the proxies write:
    "X-Forwarded" (`X-Forwarded-For`, `-Proto`, `-Host`) or "Forwarded"; what comes in the other one
    is the client's, and not read. `read` names what the proxies set: "remote", "scheme", "host";
    what they don't set they may hand on as the client wrote it. ValueError for other values. Fields
    that a trusted proxy would not write are answered with 400. The access log has the client's
    address too.
    """
    names = tuple(read)
    if header not in ("X-Forwarded", "Forwarded"):
        raise ValueError(f"header must be 'X-Forwarded' or 'Forwarded', not {header!r}")
    if isinstance(trusted, str) or isinstance(read, str) or not set(names) <= set(_READERS):
        raise ValueError(
            f"trusted and read must be lists, and read one of {', '.join(_READERS)}, "
            f"not {trusted!r} and {read!r}"
        )
    trust = _Trust(trusted)
    collect = _collect_forwarded if header == "Forwarded" else _collect_x_forwarded

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = request.get_extra_info("peername")
        if not trust.includes(peer[0] if isinstance(peer, (list, tuple)) and peer else _UNIX):
            return await handler(request)
        try:
            found = resolve(collect(request), trust)
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"400: Bad Request\n\n{error}") from error
        changes = {name: found[name] for name in names if name in found}
        if not changes:
            return await handler(request)
        if "remote" in changes:
            request[FORWARDED_REMOTE] = changes["remote"]
        clone: Any = request.clone(**changes)  # type: ignore[arg-type]
        return await handler(clone)

    return middleware


class _Trust:
    """The peers that are believed."""

    def __init__(self, names: Iterable[str]) -> None:
        self._networks: list[Network] = []
        self._names = set()
        for name in names:
            if name in (_UNIX, _ANY):
                self._names.add(name)
                continue
            try:
                self._networks.append(ipaddress.ip_network(name, strict=False))
            except ValueError as error:
                raise ValueError(
                    f"trusted holds {name!r}; expected an address, a network, 'unix' or '*'"
                ) from error

    def includes(self, name: str) -> bool:
        """True if the peer of that address, or "unix", is one of ours."""
        if name in self._names or _ANY in self._names:
            return True
        address = _parse_address(name)
        return address is not None and any(address in network for network in self._networks)


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def resolve(hops: list[Hop], trust: _Trust) -> dict[str, str]:
    """What the farthest trusted proxy says, seen from the peer, which is trusted.

    `hops` stand in the order of the header. The last was written by our peer; the one before it
    counts only if the address that the last names is trusted too, and so on. What stands before
    the first untrusted address is not even read. ValueError if what counts can't be read.
    """
    found: dict[str, str] = {}
    for hop in reversed(hops):
        for name, read in _READERS.items():
            text = getattr(hop, name)
            if text is not None:
                found[name] = read(text)
        if hop.remote is None or not trust.includes(found["remote"]):
            break
    return found


def _collect_x_forwarded(request: web.Request) -> list[Hop]:
    """Hops from X-Forwarded-For; scheme and host stand one for each hop, or once for all."""
    remotes = _list(request, "X-Forwarded-For")
    schemes = _list(request, "X-Forwarded-Proto")
    hosts = _list(request, "X-Forwarded-Host")
    count = max(len(remotes), 1 if schemes or hosts else 0)
    hops = []
    for place in range(count):
        # Counted from the end, where our own proxies write.
        back = place - count
        hops.append(
            Hop(
                remotes[back] if remotes else None,
                _pick(schemes, back, count),
                _pick(hosts, back, count),
            )
        )
    return hops


def _pick(values: list[str], back: int, count: int) -> str | None:
    """The value of a hop. A proxy that replaces the field instead of adding to it writes one value
    for all; it is the last proxy that did so.
    """
    if len(values) == count:
        return values[back]
    return values[-1] if values and back == -1 else None


def _list(request: web.Request, name: str) -> list[str]:
    """The elements of a list field, however many lines it has."""
    values = request.headers.getall(name, [])
    found = [part.strip() for value in values for part in value.split(",")]
    found = [part for part in found if part]
    if len(found) > _MAX_HOPS:
        raise ValueError(f"{name} has {len(found)} elements, and {_MAX_HOPS} are allowed")
    return found


def _collect_forwarded(request: web.Request) -> list[Hop]:
    """Hops from Forwarded (RFC 7239 section 4)."""
    hops: list[Hop] = []
    for line in request.headers.getall("Forwarded", []):
        place = 0
        pairs: dict[str, str] = {}
        while place < len(line):
            found = _PAIR.match(line, place)
            if found is None:
                raise ValueError("Forwarded can't be read")
            name, value = found[1].lower(), found[2]
            if name in pairs:
                raise ValueError(f"Forwarded has {name!r} twice in one element")
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            pairs[name] = value
            place = found.end()
            mark = line[place : place + 1]
            if mark not in ("", ",", ";"):
                raise ValueError("Forwarded can't be read")
            place += 1
            if mark != ";":
                hops.append(Hop(pairs.get("for"), pairs.get("proto"), pairs.get("host")))
                pairs = {}
        if len(hops) > _MAX_HOPS:
            raise ValueError(f"Forwarded has more than {_MAX_HOPS} elements")
    return hops


def _read_node(text: str) -> str:
    """An address without its port; "unknown" and names that hide one stay (RFC 7239 section 6)."""
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
        if _parse_address(name) is None or not re.fullmatch(r"(?::[0-9_.A-Za-z-]+)?", port):
            raise ValueError(f"{text[:60]!r} is no address of a client")
        return name
    name = text
    if text.count(":") == 1:
        name = text.partition(":")[0]
    if _parse_address(name) is not None or name == "unknown":
        return name
    if re.fullmatch(r"_[A-Za-z0-9._-]+", name):
        return name
    if text == "unix:":  # what nginx writes for a peer on a Unix socket
        return _UNIX
    raise ValueError(f"{text[:60]!r} is no address of a client")


def _read_scheme(text: str) -> str:
    scheme = text.lower()
    if scheme not in _SCHEMES:
        raise ValueError(f"{text[:60]!r} is no scheme of a request")
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)


def _read_host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is no host of a request")
    return text


_READERS: dict[str, Callable[[str], str]] = {
    "remote": _read_node,
    "scheme": _read_scheme,
    "host": _read_host,
}
