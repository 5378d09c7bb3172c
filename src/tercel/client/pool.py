"""The pool of connections, as pure decisions: who may have one, which one, and whose turn it is.

In: keys, opaque connections, and the time as an argument. Out: `Claim`s (granted or queued), and
two lists of work for the connector: `granted`, claims whose turn has come, and `doomed`,
connections that have left the pool and must be closed. Never touches a socket, a loop or a clock.
Every step costs O(log n) or less.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tercel.client.environment import split_credentials

if TYPE_CHECKING:
    from ssl import SSLContext

    from yarl import URL

    from tercel.client.trust import Fingerprint

__all__ = (
    "Claim",
    "ConnectionKey",
    "ConnectorStats",
    "Endpoint",
    "EndpointStats",
    "Pool",
    "make_connection_key",
)

Endpoint = tuple[str, "int | None", bool]
#: Outdated notes in the heap of those whose turn may come, before it is built anew.
_MAX_OUTDATED = 64


class ConnectionKey(NamedTuple):
    """Everything that two requests must agree on before they may share a connection.

    `host`, `port`, `is_ssl`: the endpoint, by which `limit_per_host` counts; `ssl`: how its
    certificate is judged; `proxy`, `proxy_auth`, `proxy_headers`: the way to it;
    `server_hostname`: the name that TLS asks for and checks; `path`: of a Unix socket or a pipe.
    """

    host: str
    port: int | None
    is_ssl: bool
    ssl: SSLContext | bool | Fingerprint = True
    proxy: URL | None = None
    proxy_auth: Any = None
    proxy_headers: tuple[tuple[str, str], ...] | None = None
    server_hostname: str | None = None
    path: str = ""

    def __repr__(self) -> str:
        # Errors carry keys, and logs show errors: no passwords here.
        parts = [f"{self.host}:{self.port}", f"is_ssl={self.is_ssl}", f"ssl={self.ssl!r}"]
        if self.proxy is not None:
            parts.append(f"proxy={str(split_credentials(self.proxy)[0])!r}")
        if self.server_hostname is not None:
            parts.append(f"server_hostname={self.server_hostname!r}")
        return f"<ConnectionKey {' '.join(parts)}>"


def make_connection_key(
    url: URL,
    *,
    ssl: SSLContext | bool | Fingerprint = True,
    proxy: URL | None = None,
    proxy_auth: Any = None,
    proxy_headers: Mapping[str, str] | None = None,
    server_hostname: str | None = None,
) -> ConnectionKey:
    """The key of a request for `url`; the other arguments are those of the request."""
    return ConnectionKey(
        url.raw_host or "",
        url.port,
        url.scheme in ("https", "wss"),
        ssl,
        proxy,
        proxy_auth,
        tuple(proxy_headers.items()) if proxy_headers else None,
        server_hostname,
    )


class EndpointStats(NamedTuple):
    """The figures of one endpoint: connections in use, idle ones, requests that wait."""

    used: int
    idle: int
    waiting: int


class ConnectorStats(NamedTuple):
    """The figures of a connector.

    `open`: connections that count against `limit`, those being made included; `idle`: those of
    them that nobody uses; `waiting`: requests in the queue; `per_host`: the same for each
    (host, port, is_ssl).
    """

    open: int
    idle: int
    waiting: int
    per_host: Mapping[Endpoint, EndpointStats]


class _Host:
    """The account of one endpoint."""

    __slots__ = ("endpoint", "idle", "used", "waiting")

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.used = 0
        self.idle: dict[Any, _Lane] = {}
        self.waiting: dict[Claim, None] = {}


class _Lane:
    """The connections of one key: those that lie idle, since when, and how many claims there are.

    A claim holds its lane, so that a key is looked up once for each request.
    """

    __slots__ = ("claims", "host", "idle", "key")

    def __init__(self, key: ConnectionKey, host: _Host) -> None:
        self.key = key
        self.host = host
        self.claims = 0
        self.idle: dict[Any, float] = {}


class Claim:
    """One request's claim to a connection.

    `granted`: its turn has come; then `connection` is an idle one to use, or None: make one.
    `waiter` is the connector's own, for whoever waits.
    """

    __slots__ = ("connection", "granted", "lane", "serial", "waiter")

    def __init__(self, lane: _Lane, serial: int) -> None:
        self.lane = lane
        self.serial = serial
        self.granted = False
        self.connection: Any = None
        self.waiter: Any = None

    @property
    def key(self) -> ConnectionKey:
        """What the connection has to agree with."""
        return self.lane.key


class Pool:
    """At most `limit` connections, `limit_per_host` to one endpoint (0: as many as asked for).

    The freshest idle connection is used first; one that lay idle for `keepalive` seconds (None: no
    bound) is never used again. Claims are served in the order in which they were made, but one that
    waits for its own endpoint holds up no other. Where a new connection needs the room of an idle
    one, the one that has been idle longest goes. `is_usable(connection)`: an idle one is alive.
    `is_watched` is set by the connector: True while a connection that comes back leaves it nothing
    to do beyond `doomed` and `granted`.
    """

    __slots__ = (
        "_ages",
        "_hosts",
        "_is_usable",
        "_lanes",
        "_ready",
        "_serial",
        "_used",
        "_waiting",
        "doomed",
        "granted",
        "is_watched",
        "keepalive",
        "limit",
        "limit_per_host",
    )

    def __init__(
        self,
        limit: int,
        limit_per_host: int,
        keepalive: float | None,
        is_usable: Callable[[Any], bool],
    ) -> None:
        self.limit = limit
        self.limit_per_host = limit_per_host
        self.keepalive = keepalive
        self.granted: list[Claim] = []
        self.doomed: list[Any] = []
        self.is_watched = False
        self._is_usable = is_usable
        self._used = 0
        self._serial = 0
        self._hosts: dict[Endpoint, _Host] = {}
        self._lanes: dict[ConnectionKey, _Lane] = {}
        self._ages: dict[Any, _Lane] = {}
        self._waiting = 0
        self._ready: list[tuple[int, Endpoint]] = []

    # --- claims --------------------------------------------------------------------------------

    def has_idle(self, key: ConnectionKey) -> bool:
        """True if a connection for `key` lies idle."""
        lane = self._lanes.get(key)
        return lane is not None and len(lane.idle) != 0

    def ask(self, key: ConnectionKey, now: float) -> Claim:
        """Claim a connection; the claim is granted at once or queued."""
        lane = self._lanes.get(key)
        if lane is None:
            endpoint = key[:3]
            host = self._hosts.get(endpoint)
            if host is None:
                host = self._hosts[endpoint] = _Host(endpoint)
            lane = self._lanes[key] = _Lane(key, host)
        return self._ask(lane, now)

    def lend(self, key: ConnectionKey, now: float) -> Claim | None:
        """A claim that is granted an idle connection, or None: then `ask` has to be asked."""
        lane = self._lanes.get(key)
        if lane is None or not lane.idle:
            return None
        claim = self._ask(lane, now)
        if claim.connection is not None:
            return claim
        self.give_up(claim, now)
        return None

    def _ask(self, lane: _Lane, now: float) -> Claim:
        host = lane.host
        self._serial += 1
        lane.claims += 1
        claim = Claim(lane, self._serial)
        if self._has_room() and self._has_host_room(host):
            self._grant(claim, now)
        else:
            host.waiting[claim] = None
            self._waiting += 1
            self._offer(host)
        return claim

    def give_back(self, claim: Claim, connection: Any, now: float) -> None:
        """A granted claim is done; `connection` may serve another, None is one that can't."""
        lane = claim.lane
        host = lane.host
        claim.granted = False
        claim.connection = None
        self._used -= 1
        host.used -= 1
        lane.claims -= 1
        if connection is not None:
            # None and 0 differ: None keeps for ever, 0 keeps nothing.
            if self.keepalive is not None and self.keepalive <= 0:
                self.doomed.append(connection)
            else:
                lane.idle[connection] = now
                self._ages[connection] = lane
                host.idle[connection] = lane
        if self._waiting:
            self._offer(host)
            self._serve(now)
        self._forget_lane(lane)

    def give_up(self, claim: Claim, now: float) -> None:
        """The request is not interested any more, granted or not."""
        if claim.granted:
            self.give_back(claim, claim.connection, now)
            return
        host = claim.lane.host
        if claim in host.waiting:
            del host.waiting[claim]
            self._waiting -= 1
            claim.lane.claims -= 1
            self._offer(host)
            self._forget_lane(claim.lane)

    # --- idle connections ----------------------------------------------------------------------

    def forget(self, connection: Any) -> bool:
        """An idle connection is gone; False if it is not an idle one."""
        lane = self._ages.get(connection)
        if lane is None:
            return False
        self._take_out(connection, lane)
        self._forget_lane(lane)
        return True

    def expire(self, now: float) -> float | None:
        """Doom what has been idle for too long; the time at which to ask again, or None."""
        if self.keepalive is None:
            return None
        while self._ages:
            connection, lane = next(iter(self._ages.items()))
            due = lane.idle[connection] + self.keepalive
            if due > now:
                return due
            self._doom(connection, lane)
        return None

    def clear(self) -> list[Claim]:
        """Doom every idle connection and empty the queue; the claims that waited in it."""
        while self._ages:
            connection, lane = next(iter(self._ages.items()))
            self._doom(connection, lane)
        claims: list[Claim] = []
        for host in self._hosts.values():
            claims.extend(host.waiting)
        claims.sort(key=attrgetter("serial"))
        for claim in claims:
            self.give_up(claim, 0.0)
        self._ready.clear()
        return claims

    @property
    def idle(self) -> int:
        """How many connections lie idle."""
        return len(self._ages)

    def stats(self) -> ConnectorStats:
        """The figures of this moment."""
        hosts = {
            endpoint: EndpointStats(host.used, len(host.idle), len(host.waiting))
            for endpoint, host in self._hosts.items()
            if host.used or host.idle or host.waiting
        }
        return ConnectorStats(self._used + len(self._ages), len(self._ages), self._waiting, hosts)

    # --- the rules -----------------------------------------------------------------------------

    def _has_room(self) -> bool:
        return self.limit <= 0 or self._used < self.limit

    def _has_host_room(self, host: _Host) -> bool:
        return self.limit_per_host <= 0 or host.used < self.limit_per_host

    def _grant(self, claim: Claim, now: float) -> None:
        lane = claim.lane
        host = lane.host
        claim.granted = True
        claim.connection = self._take_idle(lane, now)
        self._used += 1
        host.used += 1
        if claim.connection is None:
            if 0 < self.limit_per_host < host.used + len(host.idle):
                oldest, its_lane = next(iter(host.idle.items()))
                self._doom(oldest, its_lane)
            if 0 < self.limit < self._used + len(self._ages):
                oldest, its_lane = next(iter(self._ages.items()))
                self._doom(oldest, its_lane)

    def _take_idle(self, lane: _Lane, now: float) -> Any:
        while lane.idle:
            connection, since = lane.idle.popitem()
            del self._ages[connection]
            del lane.host.idle[connection]
            fresh = self.keepalive is None or now - since < self.keepalive
            if fresh and self._is_usable(connection):
                return connection
            self.doomed.append(connection)
        return None

    def _serve(self, now: float) -> None:
        """Grant what there is room for, in order."""
        while self._ready and self._has_room():
            serial, endpoint = heappop(self._ready)
            host = self._hosts.get(endpoint)
            if host is None or not host.waiting or not self._has_host_room(host):
                continue
            claim = next(iter(host.waiting))
            if claim.serial != serial:
                continue
            del host.waiting[claim]
            self._waiting -= 1
            self._grant(claim, now)
            self.granted.append(claim)
            self._offer(host)

    def _offer(self, host: _Host) -> None:
        """Note the first claim of an endpoint that has room; an outdated note does no harm."""
        if not host.waiting or not self._has_host_room(host):
            return
        if len(self._ready) > _MAX_OUTDATED + 2 * self._waiting:
            self._ready = [
                (next(iter(other.waiting)).serial, other.endpoint)
                for other in self._hosts.values()
                if other.waiting and self._has_host_room(other)
            ]
            heapify(self._ready)
        else:
            heappush(self._ready, (next(iter(host.waiting)).serial, host.endpoint))

    def _take_out(self, connection: Any, lane: _Lane) -> None:
        del lane.idle[connection]
        del lane.host.idle[connection]
        del self._ages[connection]

    def _doom(self, connection: Any, lane: _Lane) -> None:
        self._take_out(connection, lane)
        self.doomed.append(connection)
        self._forget_lane(lane)

    def _forget_lane(self, lane: _Lane) -> None:
        """Keep no account of a key that nobody uses."""
        if not lane.claims and not lane.idle:
            self._lanes.pop(lane.key, None)
            host = lane.host
            if not host.used and not host.idle and not host.waiting:
                self._hosts.pop(host.endpoint, None)
