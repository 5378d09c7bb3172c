"""The cookie jars of client sessions (client_reference, "CookieJar"; RFC 6265bis).

In: Set-Cookie values or mappings with the URL they came from; a URL that is asked for. Out: the
cookies to send to it. Kept in memory; written to and read from JSON files when asked, and nothing
is ever unpickled. Asks the clock for what has expired, and never touches a connection.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.cookies import BaseCookie, Morsel, SimpleCookie
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from yarl import URL

from tercel.abc import AbstractCookieJar
from tercel.client.cookiestore import (
    Cookie,
    CookieStore,
    domain_matches,
    is_address,
    is_public_suffix,
    path_matches,
)
from tercel.wire.cookies import parse_cookie_date, parse_set_cookie
from tercel.wire.morsels import copy_morsel, make_morsel

if TYPE_CHECKING:
    import asyncio
    import os

__all__ = ("CookieJar", "DummyCookieJar", "own_cookies")

#: Seconds that a cookie lives at most: 400 days (RFC 6265bis section 5.5).
MAX_AGE = 400 * 24 * 3600
#: Set-Cookie fields read of one response; cookies and octets of one Cookie field, name included.
MAX_FIELDS = 50
MAX_SENT = 150
MAX_SENT_OCTETS = 8190

_NOWHERE = URL()
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_SECURE_SCHEMES = frozenset(("https", "wss"))


class _Grammar:
    """A pattern of a class that is compiled when somebody first asks for it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __get__(self, owner: object, kind: type) -> re.Pattern[str]:
        return re.compile(self._pattern, re.ASCII | re.IGNORECASE)


class CookieJar(AbstractCookieJar):
    """The cookies of a session.

    `unsafe`: take cookies of IP addresses too. `quote_cookie`: quote values that need it when
    they are given as text; what a server sent goes back as it came. `treat_as_secure_origin`: a
    URL or several whose Secure cookies are set and sent though they are not https.
    """

    #: The productions of cookie dates (RFC 6265 section 5.1.1), for code that reads such dates.
    DATE_TOKENS_RE = _Grammar(
        r"[\x09\x20-\x2F\x3B-\x40\x5B-\x60\x7B-\x7E]*"
        r"(?P<token>[\x00-\x08\x0A-\x1F0-9:a-zA-Z\x7F-\xFF]+)"
    )
    DATE_HMS_TIME_RE = _Grammar(r"(\d{1,2}):(\d{1,2}):(\d{1,2})")
    DATE_DAY_OF_MONTH_RE = _Grammar(r"(\d{1,2})")
    DATE_MONTH_RE = _Grammar(
        "(?:" + "|".join(f"({month})" for month in _MONTHS.split()) + ").*",
    )
    DATE_YEAR_RE = _Grammar(r"(\d{2,4})")
    #: The last second of the year 9999, and the one before it, in seconds since 1970.
    MAX_TIME = 253_402_300_799
    SUB_MAX_TIME = MAX_TIME - 1

    def __init__(
        self,
        *,
        unsafe: bool = False,
        quote_cookie: bool = True,
        treat_as_secure_origin: str | URL | Iterable[str | URL] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(loop=loop)
        self._unsafe = unsafe
        self._quote_cookie = quote_cookie
        if treat_as_secure_origin is None:
            treat_as_secure_origin = ()
        elif isinstance(treat_as_secure_origin, (str, URL)):
            treat_as_secure_origin = (treat_as_secure_origin,)
        self._secure_origins = frozenset(URL(url).origin() for url in treat_as_secure_origin)
        self._store = CookieStore()
        self._clock: Callable[[], float] = time.time

    # --- facts ---------------------------------------------------------------------------------

    @property
    def quote_cookie(self) -> bool:
        """True where values are quoted when sent."""
        return self._quote_cookie

    @property
    def unsafe(self) -> bool:
        """True where cookies of IP addresses are taken."""
        return self._unsafe

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins that count as secure although they are not https."""
        return self._secure_origins

    @property
    def cookies(self) -> Mapping[tuple[str, str], BaseCookie[str]]:  # type: ignore[override]
        """The cookies held, by (domain, path); a snapshot."""
        found: dict[tuple[str, str], BaseCookie[str]] = {}
        for cookie in self._held():
            place = found.setdefault((cookie.domain, cookie.path), SimpleCookie())
            dict.__setitem__(place, cookie.name, cookie.morsel)
        return MappingProxyType(found)

    @property
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """(domain, path, name) of the cookies that go to their very host only."""
        return frozenset(
            (cookie.domain, cookie.path, cookie.name) for cookie in self._held() if cookie.host_only
        )

    def __len__(self) -> int:
        if not self._store:
            return 0
        self._store.expire(self._clock())
        return len(self._store)

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter([cookie.morsel for cookie in self._held()])

    def _held(self) -> list[Cookie]:
        self._store.expire(self._clock())
        return list(self._store)

    # --- forgetting ----------------------------------------------------------------------------

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Remove the cookies for which `predicate` is true; all of them by default."""
        if predicate is None:
            self._store.clear()
            return
        for cookie in self._held():
            if predicate(cookie.morsel):
                self._store.remove(cookie)

    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of `domain` and of its subdomains."""
        domain = domain.lower().removeprefix(".")
        for cookie in self._held():
            if cookie.domain and domain_matches(cookie.domain, domain):
                self._store.remove(cookie)

    # --- taking --------------------------------------------------------------------------------

    def update_cookies_from_headers(self, headers: Iterable[str], response_url: URL) -> None:
        """Take the cookies of Set-Cookie values that came from `response_url`, 50 at most."""
        taken: list[tuple[str, Morsel[str]]] = []
        for line in headers:
            morsel = parse_set_cookie(line)
            if morsel is not None:
                taken.append((morsel.key, morsel))
                if len(taken) == MAX_FIELDS:
                    break
        if taken:
            self.update_cookies(taken, response_url)

    def update_cookies(self, cookies: Any, response_url: URL | None = _NOWHERE) -> None:
        """Take a mapping, or pairs, of names to text or Morsels.

        With a `response_url` they belong to its host, as if it had sent them; without, they are
        sent to every host, but for those with a Domain. What may not be set is passed over.
        """
        url = _NOWHERE if response_url is None else response_url
        host = url.raw_host or ""
        if host and not self._unsafe and is_address(host):
            return
        now = self._clock()
        secure = not host or self._is_secure(url)
        for name, value in _pairs(cookies):
            morsel = self._to_morsel(name, value)
            placed = _place(morsel, host, url, now, secure)
            if placed is None:
                continue
            if host and isinstance(value, Morsel) and not _keeps_prefix(placed, morsel):
                continue
            morsel["domain"], morsel["path"] = placed.domain, placed.path
            self._store.put(placed, now, secure=secure)

    def _to_morsel(self, name: str, value: Any) -> Morsel[str]:
        if isinstance(value, Morsel):
            return copy_morsel(value)
        return _written(name, value, self._quote_cookie)

    # --- giving --------------------------------------------------------------------------------

    def filter_cookies(self, request_url: URL = _NOWHERE) -> BaseCookie[str]:
        """The cookies to send with a request for `request_url`, 150 and 8,190 octets at most.

        Of two with the same name the one with the longer path is sent.
        """
        found: SimpleCookie = SimpleCookie()
        url = URL(request_url)
        host = url.raw_host or ""
        octets = len("Cookie: ")
        matching = self._store.find(
            host, url.raw_path or "/", self._clock(), secure=self._is_secure(url)
        )
        for cookie in matching:
            morsel = cookie.morsel
            name = morsel.key
            if name in found:
                continue
            size = len(f"{name}={morsel.coded_value}; ".encode("utf-8", "surrogateescape"))
            if octets + size - 2 > MAX_SENT_OCTETS:
                continue
            octets += size
            dict.__setitem__(found, name, make_morsel(name, morsel.value, morsel.coded_value))
            if len(found) == MAX_SENT:
                break
        return found

    def _is_secure(self, url: URL) -> bool:
        if url.scheme in _SECURE_SCHEMES:
            return True
        if not self._secure_origins or not url.absolute:
            return False
        return url.origin() in self._secure_origins

    # --- files ---------------------------------------------------------------------------------

    def save(self, file_path: str | os.PathLike[str]) -> None:
        """Write the cookies to a JSON file that its owner alone can read; OSError if that fails."""
        from tercel.client.cookiefile import write_cookies

        write_cookies(file_path, self._held())

    def load(self, file_path: str | os.PathLike[str]) -> None:
        """Replace the cookies by those of a file that `save` wrote.

        Raises OSError, or ValueError for a file that is no such JSON; the jar is unchanged then.
        The pickles of other libraries' old jars are refused: reading one can run what is in it.
        """
        from tercel.client.cookiefile import read_cookies

        cookies = read_cookies(file_path)
        now = self._clock()
        store = CookieStore()
        for cookie in cookies:
            if cookie.expires is not None:
                cookie.expires = min(cookie.expires, now + MAX_AGE)
            store.put(cookie, now)
        self._store = store


class DummyCookieJar(AbstractCookieJar):
    """A jar that keeps nothing (client_reference, "DummyCookieJar")."""

    def __iter__(self) -> Iterator[Morsel[str]]:
        return iter(())

    def __len__(self) -> int:
        return 0

    @property
    def quote_cookie(self) -> bool:
        """True, as by default in `CookieJar`."""
        return True

    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Do nothing."""

    def clear_domain(self, domain: str) -> None:
        """Do nothing."""

    def update_cookies_from_headers(self, headers: Iterable[str], response_url: URL) -> None:
        """Do nothing."""

    def update_cookies(self, cookies: Any, response_url: URL | None = _NOWHERE) -> None:
        """Do nothing."""

    def filter_cookies(self, request_url: URL = _NOWHERE) -> BaseCookie[str]:
        """No cookies."""
        return SimpleCookie()


def own_cookies(cookies: Any, url: URL, quote_cookie: bool = True) -> SimpleCookie:
    """The `cookies` argument of one request, as it is to be sent to `url`: there are no limits.

    Morsels whose Domain, Path or Secure keep them from there are left out.
    """
    found: SimpleCookie = SimpleCookie()
    for name, value in _pairs(cookies):
        if not isinstance(value, Morsel):
            morsel = _written(name, value, quote_cookie)
        elif _is_for(value, url):
            morsel = make_morsel(value.key, value.value, value.coded_value)
        else:
            continue
        dict.__setitem__(found, name, morsel)
    return found


def _is_for(morsel: Morsel[str], url: URL) -> bool:
    domain = str(morsel["domain"]).lower().removeprefix(".")
    if domain and not domain_matches(url.raw_host or "", domain):
        return False
    path = str(morsel["path"])
    if path.startswith("/") and not path_matches(url.raw_path, path):
        return False
    return not morsel["secure"] or url.scheme in _SECURE_SCHEMES


def _pairs(cookies: Any) -> Iterable[tuple[str, Any]]:
    return cookies.items() if isinstance(cookies, Mapping) else cookies


def _written(name: str, value: Any, quote_cookie: bool) -> Morsel[str]:
    """A cookie given as text; CookieError for a name that can't be sent."""
    if not quote_cookie:
        morsel: Morsel[str] = Morsel()
        morsel.set(name, str(value), str(value))
        return morsel
    cookie: SimpleCookie = SimpleCookie()
    cookie[name] = value
    return cookie[name]


def _place(morsel: Morsel[str], host: str, url: URL, now: float, is_secure: bool) -> Cookie | None:
    """Where a cookie belongs (RFC 6265bis section 5.7), None for one that may not be set."""
    domain = str(morsel["domain"]).lower().removeprefix(".")
    host_only = False
    if host and domain != host and domain:
        if not domain_matches(host, domain) or is_public_suffix(domain) or is_address(domain):
            return None
    elif host:
        host_only = not domain or is_public_suffix(domain) or is_address(domain)
        domain = host
    secure = bool(morsel["secure"])
    if secure and not is_secure:
        return None
    path = str(morsel["path"])
    if not path.startswith("/"):
        path = url.raw_path[: url.raw_path.rfind("/")] or "/" if host else "/"
    expires = _expiry(morsel, now)
    return Cookie(morsel, domain, path, host_only=host_only, secure=secure, expires=expires)


def _expiry(morsel: Morsel[str], now: float) -> float | None:
    """When a cookie expires: by Max-Age, else by Expires, else with the session."""
    text = str(morsel["max-age"])
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal():
        if text[0] == "-" or not digits.strip("0"):
            return 0.0
        return now + (MAX_AGE if len(digits) > 9 else min(int(digits), MAX_AGE))
    if morsel["expires"]:
        date = parse_cookie_date(str(morsel["expires"]))
        if date is not None:
            return min(float(date), now + MAX_AGE)
    return None


def _keeps_prefix(cookie: Cookie, morsel: Morsel[str]) -> bool:
    """False for a name that promises more than the cookie holds (RFC 6265bis section 4.1.3)."""
    name = cookie.name.lower()
    if name.startswith("__secure-"):
        return cookie.secure
    if name.startswith("__host-"):
        return cookie.secure and not morsel["domain"] and morsel["path"] == "/"
    return True
