"""From host names to addresses: resolvers, a bounded cache, and one lookup however many ask.

In: host, port, family. Out: lists of `ResolveResult`; `OSError` where a name has none. The time
comes from the event loop. One waiter that is cancelled never ends the lookup of the others. Never
connects.
"""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from collections.abc import Sequence
from typing import Any, Protocol

from tercel.abc import AbstractResolver, ResolveResult

__all__ = (
    "AddressBook",
    "AsyncResolver",
    "LookupObserver",
    "ThreadedResolver",
    "choose_resolver",
    "is_ip_literal",
    "is_legacy_ipv4",
    "literal_address",
)

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_DIGITS = frozenset("0123456789")
_HEX_DIGITS = frozenset("0123456789abcdef")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    if len(parts) != 4:
        return False
    for part in parts:
        if not part or len(part) > 3 or not _DIGITS.issuperset(part):
            return False
        if (part[0] == "0" and part != "0") or int(part) > 255:
            return False
    return True


def is_ip_literal(host: str) -> bool:
    """True for an IPv4 address of four decimal numbers, and an IPv6 address without brackets."""
    return ":" in host or _is_ipv4(host)


def is_legacy_ipv4(host: str) -> bool:
    """True for a host that old system calls read as an IPv4 address though it is spelled oddly.

    Such as `127.1`, `0x7f.1`, `017700000001` or `2130706433`: its last label is a number (URL
    Standard, "ends in a number"), and filters of addresses rarely see through it.
    """
    if ":" in host or _is_ipv4(host):
        return False
    label = host.removesuffix(".").rpartition(".")[2].lower()
    if not label:
        return False
    if _DIGITS.issuperset(label):
        return True
    return label.startswith("0x") and _HEX_DIGITS.issuperset(label[2:])


def literal_address(host: str, port: int) -> ResolveResult:
    """The address that a literal stands for; `%zone` may follow an IPv6 address."""
    return {
        "hostname": host,
        "host": host.replace("%25", "%", 1) if ":" in host else host,
        "port": port,
        "family": socket.AF_INET6 if ":" in host else socket.AF_INET,
        "proto": 0,
        "flags": _NUMERIC,
    }


class ThreadedResolver(AbstractResolver):
    """Asks the system (getaddrinfo) in a thread of the loop's default executor."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`, in the system's order. Raises OSError where it has none."""
        found: list[Any] = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
        )
        results: list[ResolveResult] = []
        for its_family, _, proto, _, address in found:
            if its_family not in (socket.AF_INET, socket.AF_INET6):
                continue
            zone = address[3] if len(address) > 3 else 0
            results.append(
                {
                    "hostname": host,
                    "host": f"{address[0]}%{zone}" if zone else str(address[0]),
                    "port": int(address[1]),
                    "family": its_family,
                    "proto": proto,
                    "flags": _NUMERIC,
                }
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""


class AsyncResolver(AbstractResolver):
    """Asks DNS servers without threads; needs `aiodns`, whose DNSResolver gets the arguments.

    `nameservers`: addresses of the servers to ask, instead of the system's. Raises `RuntimeError`
    where aiodns is not installed. Must be made where a loop is running.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None = None, *args: Any, **kwargs: Any
    ) -> None:
        try:
            import aiodns
        except ImportError:
            raise RuntimeError("Resolver requires aiodns library") from None
        self._error: type[Exception] = aiodns.error.DNSError
        if loop is not None:
            kwargs["loop"] = loop
        self._resolver: Any = aiodns.DNSResolver(*args, **kwargs)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`. Raises OSError where it has none."""
        if self._resolver is None:
            raise OSError(None, "the resolver is closed")
        try:
            found = await self._resolver.getaddrinfo(
                host,
                port=port,
                type=socket.SOCK_STREAM,
                family=family,
                flags=socket.AI_ADDRCONFIG,
            )
        except self._error as error:
            sentence = error.args[1] if len(error.args) > 1 else "DNS lookup failed"
            raise OSError(None, sentence) from error
        results: list[ResolveResult] = []
        for node in found.nodes:
            address = node.addr
            zone = address[3] if len(address) > 3 else 0
            literal = address[0].decode() if isinstance(address[0], bytes) else address[0]
            results.append(
                {
                    "hostname": host,
                    "host": f"{literal}%{zone}" if zone else literal,
                    "port": int(address[1]),
                    "family": node.family,
                    "proto": 0,
                    "flags": _NUMERIC,
                }
            )
        if not results:
            raise OSError(None, "DNS lookup failed")
        return results

    async def close(self) -> None:
        """Give up the sockets; lookups under way fail."""
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            await resolver.close()


def choose_resolver() -> type[AbstractResolver]:
    """The default: AsyncResolver where aiodns is installed, else ThreadedResolver."""
    if importlib.util.find_spec("aiodns") is not None:
        return AsyncResolver
    return ThreadedResolver


class LookupObserver(Protocol):
    """Whom a lookup tells of its steps (a request's trace)."""

    async def send_dns_cache_hit(self, host: str) -> None: ...
    async def send_dns_cache_miss(self, host: str) -> None: ...
    async def send_dns_resolvehost_start(self, host: str) -> None: ...
    async def send_dns_resolvehost_end(self, host: str) -> None: ...


class _Entry:
    """The addresses of one host, and until when they hold."""

    __slots__ = ("due", "results", "turn")

    def __init__(self, results: list[ResolveResult], due: float | None) -> None:
        self.results = results
        self.due = due
        self.turn = -1

    def next_order(self) -> list[ResolveResult]:
        """The addresses, each family in turn begun at another of its own: load is shared."""
        self.turn += 1
        if self.turn == 0 or len(self.results) == 1:
            return list(self.results)
        families: dict[int, list[ResolveResult]] = {}
        for result in self.results:
            families.setdefault(result["family"], []).append(result)
        turned = {
            family: iter(group[self.turn % len(group) :] + group[: self.turn % len(group)])
            for family, group in families.items()
        }
        return [next(turned[result["family"]]) for result in self.results]


class _Lookup:
    """One question under way, and how many wait for its answer."""

    __slots__ = ("answer", "task", "waiters")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answer: asyncio.Future[list[ResolveResult]] = loop.create_future()
        self.task: asyncio.Task[None] | None = None
        self.waiters = 0

    async def ask(
        self, resolver: AbstractResolver, host: str, port: int, family: socket.AddressFamily
    ) -> None:
        try:
            results = await resolver.resolve(host, port, family=family)
        except Exception as error:
            if not self.answer.done():
                self.answer.set_exception(error)
                self.answer.exception()
        else:
            if not self.answer.done():
                self.answer.set_result(results)


class AddressBook:
    """What is known of hosts, for one connector.

    `ttl`: seconds that an answer holds, None: for ever; `max_size`: answers kept, the one unused
    for longest goes first; `use_cache=False`: ask every time. Literals are never asked for.
    """

    def __init__(
        self,
        resolver: AbstractResolver | None = None,
        *,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        use_cache: bool = True,
        ttl: float | None = 10,
        max_size: int = 1000,
    ) -> None:
        if max_size < 1:
            raise ValueError(f"the DNS cache has room for {max_size} answers, expected 1 or more")
        self.family = family
        self.use_cache = use_cache
        self._ttl = ttl
        self._max_size = max_size
        self._owns_resolver = resolver is None
        self._resolver = resolver
        self._entries: dict[tuple[str, int], _Entry] = {}
        self._lookups: dict[tuple[str, int], _Lookup] = {}
        self._is_closed = False

    @property
    def entries(self) -> dict[tuple[str, int], list[ResolveResult]]:
        """A copy of what is kept, by host and port."""
        return {key: list(entry.results) for key, entry in self._entries.items()}

    @property
    def resolver(self) -> AbstractResolver:
        """The resolver that is asked; the default one is made when it is first needed."""
        if self._resolver is None:
            self._resolver = choose_resolver()()
        return self._resolver

    def clear(self, host: str | None = None, port: int | None = None) -> None:
        """Forget one answer, or all of them; `ValueError` for a host or a port alone."""
        if host is not None and port is not None:
            self._entries.pop((host, port), None)
        elif host is not None or port is not None:
            raise ValueError("either both host and port or none of them are allowed")
        else:
            self._entries.clear()

    async def find(
        self, host: str, port: int, observers: Sequence[LookupObserver] = ()
    ) -> list[ResolveResult]:
        """The addresses of `host`, in the order in which they want to be tried.

        Raises `OSError` where it has none.
        """
        if is_ip_literal(host):
            return [literal_address(host, port)]
        if not self.use_cache:
            return await self._ask((host, port), None, observers)
        key = (host, port)
        entry = self._entries.pop(key, None)
        if entry is not None:
            if entry.due is None or entry.due > _now():
                self._entries[key] = entry
                results = entry.next_order()
                for observer in observers:
                    await observer.send_dns_cache_hit(host)
                return results
        lookup = self._lookups.get(key)
        if lookup is None:
            for observer in observers:
                await observer.send_dns_cache_miss(host)
            lookup = self._lookups.get(key)
            return await self._ask(key, lookup, observers)
        for observer in observers:
            await observer.send_dns_cache_hit(host)
        return await self._wait(key, lookup)

    async def _ask(
        self,
        key: tuple[str, int],
        lookup: _Lookup | None,
        observers: Sequence[LookupObserver],
    ) -> list[ResolveResult]:
        for observer in observers:
            await observer.send_dns_resolvehost_start(key[0])
        if lookup is None or lookup.answer.done():
            if self.use_cache:
                lookup = self._lookups.get(key)
            else:
                lookup = None
        results = await self._wait(key, lookup or self._begin(key))
        for observer in observers:
            await observer.send_dns_resolvehost_end(key[0])
        return results

    def _begin(self, key: tuple[str, int]) -> _Lookup:
        if self._is_closed:
            raise OSError(None, "the connector is closed")
        loop = asyncio.get_running_loop()
        lookup = _Lookup(loop)
        lookup.task = loop.create_task(
            lookup.ask(self.resolver, key[0], key[1], self.family), name=f"lookup of {key[0]}"
        )
        lookup.task.add_done_callback(lambda task: self._end(key, lookup))
        if self.use_cache:
            self._lookups[key] = lookup
        return lookup

    def _end(self, key: tuple[str, int], lookup: _Lookup) -> None:
        if self._lookups.get(key) is lookup:
            del self._lookups[key]
        answer = lookup.answer
        if not answer.done():
            answer.set_exception(OSError(None, "the lookup was cancelled"))
            answer.exception()
        elif self.use_cache and not self._is_closed and answer.exception() is None:
            self._keep(key, answer.result())

    def _keep(self, key: tuple[str, int], results: list[ResolveResult]) -> None:
        if not results:
            return
        now = _now()
        self._entries.pop(key, None)
        self._entries[key] = _Entry(results, None if self._ttl is None else now + self._ttl)
        while len(self._entries) > self._max_size:
            del self._entries[next(iter(self._entries))]

    async def _wait(self, key: tuple[str, int], lookup: _Lookup) -> list[ResolveResult]:
        lookup.waiters += 1
        try:
            results = await asyncio.shield(lookup.answer)
        finally:
            lookup.waiters -= 1
            if not lookup.waiters and not lookup.answer.done() and lookup.task is not None:
                # Nobody is left who wants to know; the next who asks begins anew.
                if self._lookups.get(key) is lookup:
                    del self._lookups[key]
                lookup.task.cancel()
        if not results:
            raise OSError(None, "the resolver gave no address")
        return list(results)

    def close(self) -> AbstractResolver | None:
        """End the lookups under way; give the resolver if the caller must close it."""
        self._is_closed = True
        self._entries.clear()
        for lookup in list(self._lookups.values()):
            if not lookup.answer.done():
                lookup.answer.set_exception(OSError(None, "the connector is closed"))
                lookup.answer.exception()
            if lookup.task is not None:
                lookup.task.cancel()
        resolver = self._resolver
        if not self._owns_resolver or resolver is None:
            return None
        self._resolver = None
        return resolver
