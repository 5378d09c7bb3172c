"""How often a client may ask: limits for an application or for single handlers.

In: a rate, a store, something that names the client. Out: the handler's answer with RateLimit
fields (draft-ietf-httpapi-ratelimit-headers), or 429 with Retry-After. A client may use its rate at
once; what it used comes back evenly (the generic cell rate algorithm), so nothing is counted twice
at the turn of a minute.
"""

import abc
import functools
import ipaddress
import logging
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from tercel import web
from tercel.abc import AbstractView

__all__ = (
    "MemoryRates",
    "Rate",
    "RateStore",
    "RateStoreError",
    "Verdict",
    "client_address",
    "rate_limit",
    "rate_limit_middleware",
    "setup_rates",
)

Handler = Callable[..., Awaitable[web.StreamResponse]]
KeyOf = Callable[[web.Request], str | None]

_log = logging.getLogger("tercel.ext.security")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"(\d+)\s*/\s*(?:(\d+)\s*)?(second|minute|hour|day)s?")
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True)
class Rate:
    """`limit` requests in `period` seconds. ValueError for less than one of either."""

    limit: int
    period: int

    def __post_init__(self) -> None:
        if self.limit < 1 or self.period < 1:
            raise ValueError(f"a rate has at least 1 request and 1 second, got {self}")

    @classmethod
    def parse(cls, text: "str | Rate") -> "Rate":
        """The rate of a text such as "5/minute" or "100 / 15 minutes". ValueError for another."""
        if isinstance(text, Rate):
            return text
        found = _RATE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"a rate is like '5/minute' or '100/15 minutes', got {text!r}")
        return cls(int(found[1]), int(found[2] or 1) * _UNITS[found[3]])

    @property
    def step(self) -> int:
        """Microseconds after which one request comes back."""
        return max(1, self.period * 1_000_000 // self.limit)


class Verdict(NamedTuple):
    """What a store says: whether the request may pass, how many more may now, in how many seconds
    all will be back, and in how many the next one may come.
    """

    allowed: bool
    remaining: int
    reset: float
    retry_after: float


class RateStoreError(Exception):
    """A store does not answer."""


class RateStore(abc.ABC):
    """Remembers what clients have used."""

    @abc.abstractmethod
    async def take(self, key: str, rate: Rate) -> Verdict:
        """Use one request of `key`, in one step with the look. RateStoreError as it says."""


class MemoryRates(RateStore):
    """Remembers in this process, for at most `max_clients` clients: who was away longest is
    forgotten first. `clock` gives microseconds.
    """

    def __init__(
        self,
        max_clients: int = 100_000,
        *,
        clock: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self._max_clients = max_clients
        self._clock = clock
        # When all that a client used will be back.
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    async def take(self, key: str, rate: Rate) -> Verdict:
        """Use one request of `key`."""
        now = self._clock()
        full_at = max(now, self._full_at.get(key, 0))
        verdict, full_at = decide(now, full_at, rate)
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._max_clients:
            self._full_at.popitem(last=False)
        return verdict


def decide(now: int, full_at: int, rate: Rate) -> tuple[Verdict, int]:
    """The verdict on one request, and when all will be back after it. Microseconds."""
    step = rate.step
    capacity = step * rate.limit
    after = full_at + step
    wait = after - capacity - now
    if wait > 0:
        return Verdict(False, 0, (full_at - now) / 1e6, wait / 1e6), full_at
    return Verdict(True, (capacity - (after - now)) // step, (after - now) / 1e6, 0.0), after


def client_address(request: web.Request) -> str | None:
    """The address of the peer; of an IPv6 address its network of 64 bits, which one client owns.

    Behind a proxy all clients have the proxy's address: `tercel.ext.forwarded.forwarded_middleware`
    before the limit puts the client's in its place.
    """
    remote = request.remote
    if remote is None or ":" not in remote:
        return remote
    try:
        address = ipaddress.IPv6Address(remote.partition("%")[0])
    except ValueError:
        return remote
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


_STORE: Final = web.AppKey("_STORE", RateStore)


def setup_rates(app: web.Application, store: RateStore) -> None:
    """Make `store` the one of all limits of `app` that name none; else each has its own memory."""
    app[_STORE] = store


class _Limit:
    """One limit: it lets a request pass or raises 429, and writes the fields."""

    def __init__(
        self,
        rate: str | Rate,
        store: RateStore | None,
        key: KeyOf,
        name: str,
        refuse_on_failure: bool,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"the name of a limit is letters, digits and _.:-, got {name!r}")
        self._rate = Rate.parse(rate)
        self._store = store
        self._own = MemoryRates()
        self._key = key
        self._name = name
        self._refuse_on_failure = refuse_on_failure
        self._policy = f'"{name}";q={self._rate.limit};w={self._rate.period}'
        self._told = -math.inf

    async def run(
        self, request: web.Request, answer: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        key = self._key(request)
        if key is None:
            return await answer()
        verdict = await self._take(request, f"{self._name}:{key}")
        if verdict is None:
            return await answer()
        if not verdict.allowed:
            wait = math.ceil(verdict.retry_after)
            refusal = web.HTTPTooManyRequests(
                text=f"429: {self._rate.limit} requests in {self._rate.period} seconds are "
                f"allowed here; the next one in {wait} seconds"
            )
            refusal.headers["Retry-After"] = str(wait)
            self._write(refusal, verdict)
            raise refusal
        try:
            response = await answer()
        except web.HTTPException as error:
            self._write(error, verdict)
            raise
        self._write(response, verdict)
        return response

    async def _take(self, request: web.Request, key: str) -> Verdict | None:
        store = self._store
        if store is None:
            shared = cast("RateStore | None", request.config_dict.get(_STORE))
            store = self._own if shared is None else shared
        try:
            return await store.take(key, self._rate)
        except RateStoreError as error:
            now = time.monotonic()
            if now - self._told > 10:
                self._told = now
                _log.warning("requests are not limited, or refused, meanwhile: %s", error)
            if self._refuse_on_failure:
                raise web.HTTPServiceUnavailable from error
            return None

    def _write(self, response: web.StreamResponse, verdict: Verdict) -> None:
        if response.prepared:
            return
        state = f'"{self._name}";r={verdict.remaining};t={math.ceil(verdict.reset)}'
        for name, value in (("RateLimit-Policy", self._policy), ("RateLimit", state)):
            before = response.headers.get(name)
            response.headers[name] = value if before is None else f"{before}, {value}"


def rate_limit_middleware(
    rate: str | Rate,
    *,
    store: RateStore | None = None,
    key: KeyOf = client_address,
    name: str = "default",
    refuse_on_failure: bool = False,
) -> Any:
    """A middleware that limits what each client asks of the application.

    `rate` is a `Rate` or a text such as "100/minute". `key` names the client; None for one that
    is not limited. A `store` that fails lets requests pass, with a warning in the log, or with
    `refuse_on_failure` has them answered by 503.
    """
    limit = _Limit(rate, store, key, name, refuse_on_failure)

    @web.middleware
    async def limit_rate(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await limit.run(request, lambda: handler(request))

    return limit_rate


def rate_limit(
    rate: str | Rate,
    *,
    store: RateStore | None = None,
    key: KeyOf = client_address,
    name: str | None = None,
    refuse_on_failure: bool = False,
) -> Callable[[Handler], Handler]:
    """A decorator that limits what each client asks of one handler, such as a login.

    For functions, methods, and methods of a `web.View`; `name` is the handler's by default. The
    rest as for `rate_limit_middleware`.
    """

    def decorate(handler: Handler) -> Handler:
        # A name of its own, so that two handlers of one name don't share in one store.
        own = f"{handler.__module__}.{handler.__qualname__}".replace("<locals>.", "")
        limit = _Limit(rate, store, key, name or own, refuse_on_failure)

        @functools.wraps(handler)
        async def limited(*args: Any) -> web.StreamResponse:
            request = args[0].request if isinstance(args[0], AbstractView) else args[-1]
            return await limit.run(request, lambda: handler(*args))

        return limited

    return decorate
