"""The connector over TCP: directly, and through HTTP and SOCKS proxies.

In: requests. Out: connections with a `ClientProtocol` on them, TLS included, or the documented
exception for each way in which that can fail (client_reference, "Connectors"). What fails half-way
is closed before the exception leaves. The other connectors' names stand here too.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl as ssl_module
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tercel.abc import AbstractResolver, ResolveResult
from tercel.client.connection import BaseConnector, Connection, told_as
from tercel.client.environment import split_credentials
from tercel.client.errors import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientHttpProxyError,
    ClientProxyConnectionError,
    InvalidUrlClientError,
)
from tercel.client.exchange import ClientProtocol
from tercel.client.local import NamedPipeConnector, UnixConnector
from tercel.client.options import ClientTimeout, RequestInfo, Unset, sentinel
from tercel.client.trust import Fingerprint, Trust, context_of, merge_trust
from tercel.net.dial import (
    AddrInfoType,
    SocketFactoryType,
    address_info,
    open_socket,
    open_transport,
)
from tercel.net.proxy import (
    ConnectHandshake,
    Handshake,
    NegotiationProtocol,
    TunnelRefused,
    join_host,
)
from tercel.net.resolve import AddressBook, is_ip_literal, is_legacy_ipv4
from tercel.net.tls import start_tls
from tercel.wire.errors import WireError
from tercel.wire.socks import Socks4Handshake, Socks5Handshake, SocksError

if TYPE_CHECKING:
    from tercel.client.tracing import Trace

__all__ = (
    "AddrInfoType",
    "BaseConnector",
    "Connection",
    "NamedPipeConnector",
    "SocketFactoryType",
    "TCPConnector",
    "UnixConnector",
)

_SOCKS_SCHEMES = frozenset(("socks4", "socks4a", "socks5", "socks5h"))
_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080
#: What a SOCKS5 proxy's reply means in the system's own terms.
_SOCKS_ERRNO = {
    3: errno.ENETUNREACH,
    4: errno.EHOSTUNREACH,
    5: errno.ECONNREFUSED,
    6: errno.ETIMEDOUT,
    8: errno.EAFNOSUPPORT,
}
_UNREACHED = frozenset(_SOCKS_ERRNO.values())


class TCPConnector(BaseConnector):
    """Connections over TCP, for http and https (client_reference, "TCPConnector").

    `ssl`: True verifies certificates, False does not; an `ssl.SSLContext` or a `Fingerprint`; the
    old `verify_ssl`, `ssl_context`, `fingerprint` still work. `use_dns_cache`, `ttl_dns_cache`
    (seconds, None: for ever), `dns_cache_max_size` (hosts), `resolver`, `family`: of name
    lookups. `local_addr`, `happy_eyeballs_delay` (seconds), `interleave`, `socket_factory`: of
    the sockets. `ssl_shutdown_timeout`: seconds for the farewell over TLS when the connector is
    closed; deprecated. `ValueError` for options of TLS that exclude each other.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"tcp"}

    def __init__(
        self,
        *,
        verify_ssl: bool = True,
        fingerprint: bytes | None = None,
        use_dns_cache: bool = True,
        ttl_dns_cache: float | None = 10,
        dns_cache_max_size: int = 1000,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        ssl_context: ssl_module.SSLContext | None = None,
        ssl: Trust | None = True,
        local_addr: tuple[str, int] | None = None,
        resolver: AbstractResolver | None = None,
        keepalive_timeout: float | Unset | None = sentinel,
        force_close: bool = False,
        limit: int | None = 100,
        limit_per_host: int | None = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
        happy_eyeballs_delay: float | None = 0.25,
        interleave: int | None = None,
        socket_factory: SocketFactoryType | None = None,
        ssl_shutdown_timeout: float | Unset = sentinel,
    ) -> None:
        self._ssl = merge_trust(ssl, verify_ssl, ssl_context, fingerprint)
        if resolver is not None and not isinstance(resolver, AbstractResolver):
            raise TypeError(f"resolver is {resolver!r}, expected an AbstractResolver")
        book = AddressBook(
            resolver,
            family=family,
            use_cache=use_dns_cache,
            ttl=ttl_dns_cache,
            max_size=dns_cache_max_size,
        )
        super().__init__(
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
            enable_cleanup_closed=enable_cleanup_closed,
            loop=loop,
            timeout_ceil_threshold=timeout_ceil_threshold,
        )
        if not isinstance(ssl_shutdown_timeout, Unset):
            warnings.warn(
                "the ssl_shutdown_timeout parameter is deprecated and will be removed",
                DeprecationWarning,
                stacklevel=2,
            )
            self._ssl_shutdown_timeout = ssl_shutdown_timeout or 0
        self._book = book
        self._family = family
        self._resolver_to_close: AbstractResolver | None = None
        self._sockets: dict[str, Any] = {
            "local_addr": local_addr,
            "happy_eyeballs_delay": happy_eyeballs_delay,
            "interleave": interleave,
            "socket_factory": socket_factory,
        }

    @property
    def family(self) -> int:
        """The family of addresses that is asked for."""
        return self._family

    @property
    def use_dns_cache(self) -> bool:
        """True if answers of the resolver are kept."""
        return self._book.use_cache

    @property
    def dns_cache(self) -> bool:
        """The same under its documented name."""
        return self._book.use_cache

    @property
    def cached_hosts(self) -> Mapping[tuple[str, int], list[ResolveResult]]:
        """What is kept, by host and port."""
        return MappingProxyType(self._book.entries)

    def clear_dns_cache(self, host: str | None = None, port: int | None = None) -> None:
        """Forget one host and port, or all of them; `ValueError` for one without the other."""
        self._book.clear(host, port)

    def _begin_close(self, abort_ssl: bool) -> None:
        self._resolver_to_close = self._book.close()
        super()._begin_close(abort_ssl)

    async def _wait_closed(self) -> None:
        resolver, self._resolver_to_close = self._resolver_to_close, None
        if resolver is not None and not self._loop.is_closed():
            await resolver.close()
        await super()._wait_closed()

    # --- making connections --------------------------------------------------------------------

    async def _create_connection(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        key = req.connection_key
        proxy: URL | None = key.proxy
        if proxy is None:
            way = self._connect_directly
        elif type(self)._wrap_create_connection is not TCPConnector._wrap_create_connection:
            raise ValueError(f"{type(self).__name__} connects in its own way, without proxy=")
        elif proxy.scheme in _SOCKS_SCHEMES:
            way = self._connect_by_socks
        elif proxy.scheme in _PORTS:
            way = self._connect_by_http_proxy
        else:
            raise InvalidUrlClientError(
                str(split_credentials(proxy)[0]), "is no proxy: http, https or socks expected"
            )
        return await way(req, traces, timeout)

    def _trust_of(self, req: Any) -> Trust:
        """The request's own word on certificates, else the connector's."""
        own: Trust = req.connection_key.ssl
        return self._ssl if own is True or own is None else own

    async def _find_addresses(
        self, key: Any, host: str, port: int, traces: Sequence[Trace]
    ) -> list[AddrInfoType]:
        """The addresses of a host, as they are tried."""
        if is_legacy_ipv4(host):
            raise InvalidUrlClientError(host, "is not a canonical IPv4 address")
        try:
            results = await self._resolve_host(host, port, traces)
            return [
                address_info(each["host"], each["port"], each["family"], each["proto"])
                for each in results
            ]
        except OSError as error:
            if is_ip_literal(host):
                raise ClientConnectorError(key, error) from error
            raise ClientConnectorDNSError(key, error) from error

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[Trace] | None = None
    ) -> list[ResolveResult]:
        """What a host's name, or an address, leads to.

        Every connection over TCP asks here, so that a subclass may refuse what it finds
        (client_middleware_cookbook, "Server-side Request Forgery Protection").
        """
        return await self._book.find(host, port, traces or ())

    async def _open(
        self,
        factory: Callable[[], Any],
        addresses: Sequence[AddrInfoType],
        trust: Trust | None,
        server_hostname: str | None,
    ) -> tuple[asyncio.Transport, Any]:
        """A transport to the first address that answers, over TLS if there is a `trust`."""
        sock = await open_socket(addresses, **self._sockets)
        transport, protocol = await open_transport(
            factory,
            sock,
            context=None if trust is None else context_of(trust),
            server_hostname=server_hostname,
            shutdown_timeout=self._ssl_shutdown_timeout or None,
        )
        if isinstance(trust, Fingerprint):
            trust.check_or_abort(transport)
        return transport, protocol

    async def _wrap_create_connection(
        self,
        factory: Callable[[], Any],
        *,
        addr_infos: Sequence[AddrInfoType],
        req: Any,
        timeout: ClientTimeout,
        client_error: type[ClientConnectorError] = ClientConnectorError,
        ssl: ssl_module.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> tuple[asyncio.Transport, Any]:
        """A transport to the server itself. Nobody documents it, but aiohttp_socks has its own."""
        with told_as(req.connection_key, client_error):
            return await self._open(factory, addr_infos, ssl, server_hostname)

    async def _connect_directly(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        key = req.connection_key
        addresses = await self._find_addresses(key, key.host, key.port, traces)

        async def work() -> ClientProtocol:
            trust = self._trust_of(req) if key.is_ssl else None
            transport, protocol = await self._wrap_create_connection(
                self._make_protocol,
                addr_infos=addresses,
                req=req,
                timeout=timeout,
                ssl=None if trust is None else context_of(trust),
                server_hostname=_server_name(key) if key.is_ssl else None,
            )
            if isinstance(trust, Fingerprint):
                trust.check_or_abort(transport)
            made: ClientProtocol = protocol
            return made

        return await self._bounded(req, timeout.sock_connect, timeout, work())

    async def _connect_by_http_proxy(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        key = req.connection_key
        proxy: URL = key.proxy
        addresses = await self._find_proxy(key, traces)
        proxy_trust: Trust | None = None
        if proxy.scheme == "https":
            trust = self._trust_of(req)
            # A pinned digest is the server's, and the proxy is another server.
            proxy_trust = True if isinstance(trust, Fingerprint) else trust
        proxy_name = (proxy.raw_host or "").rstrip(".") if proxy_trust is not None else None

        async def work() -> ClientProtocol:
            factory = NegotiationProtocol if key.is_ssl else self._make_protocol
            with told_as(_key_of_proxy(key), ClientProxyConnectionError):
                _, protocol = await self._open(factory, addresses, proxy_trust, proxy_name)
            if isinstance(protocol, NegotiationProtocol):
                return await self._tunnel(req, protocol, _connect_handshake(req))
            made: ClientProtocol = protocol
            return made

        return await self._bounded(req, timeout.sock_connect, timeout, work())

    async def _connect_by_socks(
        self, req: Any, traces: Sequence[Trace], timeout: ClientTimeout
    ) -> ClientProtocol:
        key = req.connection_key
        proxy: URL = key.proxy
        addresses = await self._find_proxy(key, traces)
        hosts: list[str] = [key.host]
        if proxy.scheme in ("socks4", "socks5"):
            found = await self._find_addresses(key, key.host, key.port, traces)
            if proxy.scheme == "socks4":
                found = [each for each in found if each[0] == socket.AF_INET]
                if not found:
                    error = OSError(errno.EAFNOSUPPORT, "SOCKS4 has no IPv6 addresses")
                    raise ClientProxyConnectionError(key, error)
            hosts = [str(each[4][0]) for each in found]
        elif is_legacy_ipv4(key.host):
            raise InvalidUrlClientError(key.host, "is not a canonical IPv4 address")
        try:
            handshakes = [_socks_handshake(req, proxy, host) for host in hosts]
        except SocksError as error:
            raise ClientProxyConnectionError(key, OSError(None, error.message)) from error

        async def work() -> ClientProtocol:
            for index, handshake in enumerate(handshakes):
                with told_as(_key_of_proxy(key), ClientProxyConnectionError):
                    _, protocol = await self._open(NegotiationProtocol, addresses, None, None)
                try:
                    return await self._tunnel(req, protocol, handshake)
                except ClientProxyConnectionError as error:
                    # The next address may be one that the proxy can reach.
                    is_last = index + 1 == len(handshakes)
                    if is_last or error.os_error.errno not in _UNREACHED:
                        raise
            raise AssertionError("a name without addresses was resolved")

        return await self._bounded(req, timeout.sock_connect, timeout, work())

    async def _find_proxy(self, key: Any, traces: Sequence[Trace]) -> list[AddrInfoType]:
        place = _key_of_proxy(key)
        if not place.host:
            raise InvalidUrlClientError(str(key.proxy), "the proxy has no host")
        try:
            return await self._find_addresses(place, place.host, place.port, traces)
        except ClientConnectorError as error:
            raise ClientProxyConnectionError(place, error.os_error) from error

    async def _tunnel(
        self, req: Any, negotiation: NegotiationProtocol, handshake: Handshake
    ) -> ClientProtocol:
        """Open a way through the proxy, then speak TLS on it if the request wants that."""
        key = req.connection_key
        try:
            with told_as(_key_of_proxy(key), ClientProxyConnectionError):
                transport = await negotiation.negotiate(handshake)
        except TunnelRefused as refusal:
            raise ClientHttpProxyError(
                RequestInfo(req.url, "CONNECT", CIMultiDictProxy(CIMultiDict()), req.url),
                (),
                status=refusal.answer_status,
                message=refusal.reason,
                headers=refusal.headers,
            ) from refusal
        except WireError as error:
            code = _SOCKS_ERRNO.get(getattr(error, "reply", None) or 0)
            refusal_of_proxy = OSError(code, error.message)
            raise ClientProxyConnectionError(_key_of_proxy(key), refusal_of_proxy) from error
        protocol = self._make_protocol()
        if not key.is_ssl:
            transport.set_protocol(protocol)  # type: ignore[arg-type]
            protocol.connection_made(transport)
            transport.resume_reading()
            return protocol
        trust = self._trust_of(req)
        with told_as(key, ClientConnectorError):
            upgraded = await start_tls(
                self._loop,
                transport,
                protocol,  # type: ignore[arg-type]
                context_of(trust),
                _server_name(key),
                shutdown_timeout=self._ssl_shutdown_timeout or None,
            )
        if isinstance(trust, Fingerprint):
            trust.check_or_abort(upgraded)
        return protocol


def _key_of_proxy(key: Any) -> Any:
    """The key as errors tell it that concern the proxy."""
    proxy: URL = key.proxy
    port = proxy.port or _PORTS.get(proxy.scheme, _SOCKS_PORT)
    return key._replace(host=proxy.raw_host or "", port=port, is_ssl=proxy.scheme == "https")


def _server_name(key: Any) -> str:
    """The name that TLS asks for and checks."""
    name: str = key.server_hostname or key.host
    return name.rstrip(".") if not is_ip_literal(name) else name.partition("%")[0]


def _login_of(req: Any) -> tuple[str, str] | None:
    """User and password for the proxy: the request's, else those of the proxy's URL."""
    key = req.connection_key
    if key.proxy_auth is not None:
        return key.proxy_auth.login, key.proxy_auth.password
    if key.proxy.raw_user:
        return key.proxy.user or "", key.proxy.password or ""
    return None


def _connect_handshake(req: Any) -> ConnectHandshake:
    key = req.connection_key
    headers = CIMultiDict(key.proxy_headers or ())
    if "Proxy-Authorization" not in headers:
        if key.proxy_auth is not None:
            headers["Proxy-Authorization"] = key.proxy_auth.encode()
        else:
            login = _login_of(req)
            if login is not None:
                from base64 import b64encode

                text = b64encode(":".join(login).encode()).decode()
                headers["Proxy-Authorization"] = f"Basic {text}"
    headers.pop("Host", None)
    return ConnectHandshake(join_host(key.host, key.port), headers.items())


def _socks_handshake(req: Any, proxy: URL, host: str) -> Handshake:
    user, password = _login_of(req) or (None, None)
    port = req.connection_key.port
    if proxy.scheme.startswith("socks4"):
        return Socks4Handshake(host, port, user)
    return Socks5Handshake(host, port, user, password)
