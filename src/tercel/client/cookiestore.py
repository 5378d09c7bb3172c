"""Which cookies are held and which are sent (RFC 6265bis sections 5.6 to 5.8), without a clock.

In: cookies with their places, hosts, paths, and the time as an argument. Out: the cookies that
match, those with longer paths first. Found by domain, expired by a heap, bounded in number; what
has to leave is chosen as client_reference, "CookieJar", says.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from http.cookies import Morsel
from itertools import count

__all__ = (
    "Cookie",
    "CookieStore",
    "domain_matches",
    "is_address",
    "is_public_suffix",
    "path_matches",
)

#: What registries keep for themselves below a country: nobody may set a cookie for all of "co.uk".
_REGISTRY_LABELS = frozenset(("ac", "co", "com", "edu", "gov", "mil", "net", "org"))


def is_address(host: str) -> bool:
    """True if `host` is an IP address in any spelling, the old ones of IPv4 included."""
    if ":" in host:
        return True
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last[:2].lower() == "0x"


def is_public_suffix(domain: str) -> bool:
    """True for a domain of one label, and for one such as "co.uk" below a country.

    That is less than the Public Suffix List holds: it is what can be known without it.
    """
    first, dot, country = domain.partition(".")
    if not dot or not country:
        return True
    return len(country) == 2 and first in _REGISTRY_LABELS


def domain_matches(host: str, domain: str) -> bool:
    """True if `host` is `domain` or below it (RFC 6265bis section 5.1.3); both in lower case."""
    if host == domain:
        return True
    return host.endswith(domain) and host[-len(domain) - 1] == "." and not is_address(host)


def path_matches(path: str, of_cookie: str) -> bool:
    """True if `path` is `of_cookie` or below it (RFC 6265bis section 5.1.4)."""
    if not path.startswith(of_cookie):
        return False
    return len(path) == len(of_cookie) or of_cookie[-1] == "/" or path[len(of_cookie)] == "/"


class Cookie:
    """One cookie and its place: `domain` is "" for one that goes to every host.

    `expires` is in seconds since 1970, None at the end of the session. `born` and `used` are
    ordinal numbers that the store gives; `is_held` is True while it holds the cookie.
    """

    __slots__ = (
        "born",
        "domain",
        "expires",
        "host_only",
        "is_held",
        "morsel",
        "path",
        "secure",
        "used",
    )

    def __init__(
        self,
        morsel: Morsel[str],
        domain: str,
        path: str,
        *,
        host_only: bool = False,
        secure: bool = False,
        expires: float | None = None,
    ) -> None:
        self.morsel = morsel
        self.domain = domain
        self.path = path
        self.host_only = host_only
        self.secure = secure
        self.expires = expires
        self.is_held = False
        self.born = 0
        self.used = 0

    @property
    def name(self) -> str:
        """The cookie's name."""
        return self.morsel.key


_Place = tuple[str, str]


class CookieStore:
    """Cookies by domain, and by path and name within it.

    `per_domain` and `total` bound their number; a full domain is emptied down to
    `per_domain_kept`, a full store down to `total_kept`.
    """

    def __init__(
        self,
        *,
        per_domain: int = 180,
        per_domain_kept: int = 150,
        total: int = 3300,
        total_kept: int = 3000,
    ) -> None:
        self.per_domain = per_domain
        self.per_domain_kept = per_domain_kept
        self.total = total
        self.total_kept = total_kept
        self._domains: dict[str, dict[_Place, Cookie]] = {}
        self.size = 0
        self._secure = 0
        self._numbers = count(1)
        self._expiries: list[tuple[float, int, Cookie]] = []

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Cookie]:
        for cookies in self._domains.values():
            yield from cookies.values()

    def expire(self, now: float) -> None:
        """Drop what has expired."""
        expiries = self._expiries
        while expiries and expiries[0][0] <= now:
            cookie = heapq.heappop(expiries)[2]
            if cookie.is_held:
                self.remove(cookie)

    def put(self, cookie: Cookie, now: float, *, secure: bool = True) -> bool:
        """Hold `cookie`, in place of one with the same domain, path and name.

        One that has expired removes what it replaces. `secure` says that it came over a secure
        connection: if it did not, it can't hide a Secure cookie. False if it was turned away.
        """
        self.expire(now)
        if not secure and self._hides_secure(cookie):
            return False
        cookies = self._domains.get(cookie.domain)
        place = (cookie.path, cookie.name)
        old = None if cookies is None else cookies.get(place)
        if cookie.expires is not None and cookie.expires <= now:
            if old is not None:
                self.remove(old)
            return True
        if old is not None:
            cookie.born = old.born
            self.remove(old)
        else:
            if cookies is not None and len(cookies) >= self.per_domain:
                if not self._make_room(cookies, cookie):
                    return False
            if self.size >= self.total:
                self._evict(list(self), self.size - self.total_kept)
            cookie.born = next(self._numbers)
        cookie.used = next(self._numbers)
        cookie.is_held = True
        self._domains.setdefault(cookie.domain, {})[place] = cookie
        self.size += 1
        self._secure += cookie.secure
        if cookie.expires is not None:
            self._schedule(cookie.expires, cookie)
        return True

    def _schedule(self, expires: float, cookie: Cookie) -> None:
        heapq.heappush(self._expiries, (expires, cookie.used, cookie))
        if len(self._expiries) > 2 * self.size + 64:
            self._expiries = [entry for entry in self._expiries if entry[2].is_held]
            heapq.heapify(self._expiries)

    def _hides_secure(self, cookie: Cookie) -> bool:
        """RFC 6265bis section 5.7: leave Secure cookies alone."""
        if not self._secure:
            return False
        for other in self._find_related(cookie.domain):
            for held in other.values():
                if held.secure and held.name == cookie.name:
                    if path_matches(cookie.path, held.path):
                        return True
        return False

    def _find_related(self, domain: str) -> Iterator[dict[_Place, Cookie]]:
        """What is held for `domain`, for domains above it, and for domains below it."""
        for above in _walk_up(domain):
            cookies = self._domains.get(above)
            if cookies is not None:
                yield cookies
        below = "." + domain
        for name, cookies in self._domains.items():
            if name.endswith(below):
                yield cookies

    def _make_room(self, cookies: dict[_Place, Cookie], cookie: Cookie) -> bool:
        plain = [held for held in cookies.values() if not held.secure]
        wanted = len(cookies) - self.per_domain_kept
        if plain:
            self._evict(plain, wanted)
        elif cookie.secure:
            self._evict(list(cookies.values()), wanted)
        else:
            return False
        return True

    def _evict(self, candidates: list[Cookie], number: int) -> None:
        for cookie in heapq.nsmallest(number, candidates, key=lambda held: held.used):
            self.remove(cookie)

    def remove(self, cookie: Cookie) -> None:
        """Drop a cookie that is held."""
        cookies = self._domains[cookie.domain]
        del cookies[cookie.path, cookie.name]
        cookie.is_held = False
        self.size -= 1
        self._secure -= cookie.secure
        if not cookies:
            del self._domains[cookie.domain]

    def clear(self) -> None:
        """Drop all."""
        self._domains.clear()
        self._expiries.clear()
        self.size = self._secure = 0

    def find(self, host: str, path: str, now: float, *, secure: bool) -> list[Cookie]:
        """The cookies to send to `host` for `path`, longer paths and then older cookies first.

        `host` is in lower case, "" for none in particular; `secure` says that the connection is.
        """
        self.expire(now)
        domains = self._domains
        found = []
        for domain in _walk_up(host):
            cookies = domains.get(domain)
            if cookies is None:
                continue
            elsewhere = domain != host
            for cookie in cookies.values():
                if elsewhere and cookie.host_only:
                    continue
                if cookie.secure and not secure:
                    continue
                if cookie.path == "/" or path_matches(path, cookie.path):
                    found.append(cookie)
        if len(found) > 1:
            found.sort(key=_send_order)
        numbers = self._numbers
        for cookie in found:
            cookie.used = next(numbers)
        return found


def _send_order(cookie: Cookie) -> tuple[int, int]:
    return (-len(cookie.path), cookie.born)


def _walk_up(host: str) -> Iterator[str]:
    """`host`, the domains above it, and last "", where the cookies of every host are."""
    if host:
        yield host
        if not is_address(host):
            position = host.find(".")
            while position >= 0:
                host = host[position + 1 :]
                if host:
                    yield host
                position = host.find(".")
    yield ""
