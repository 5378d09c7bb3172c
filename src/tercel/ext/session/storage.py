"""Where sessions are kept: the contract, and the storage that writes them plainly into a cookie.

In: requests, responses, sessions. Out: cookies, and sessions again. What a client sends is never
trusted to be well-formed: what can't be read is no session. JSON only, nothing is unpickled.
"""

import abc
import json
import time
from collections.abc import Callable
from typing import Any, Literal

from tercel import web
from tercel.ext.session.state import Session

__all__ = ("MAX_COOKIE", "AbstractStorage", "SessionTooLarge", "SimpleCookieStorage")

#: Octets of a cookie's name and value together that every browser keeps (RFC 6265 section 6.1).
MAX_COOKIE = 4096


class SessionTooLarge(ValueError):
    """There is more in a session than its storage can keep."""


class AbstractStorage(abc.ABC):
    """What `session_middleware` asks to load and save (aiohttp_session's documentation, Storages).

    The cookie is named `cookie_name` and has the attributes `domain`, `path`, `httponly` and
    `samesite`; `secure` is True, False, or None for "where the request came over TLS". `max_age`
    is the lifetime of a session in seconds, counted from its making, and enforced on the server;
    None for as long as the browser stays open. `encoder` and `decoder` turn a mapping into text
    and back. `clock` says what time it is, in UNIX seconds; it is there for tests.
    """

    clock: Callable[[], float]

    def __init__(
        self,
        *,
        cookie_name: str = "AIOHTTP_SESSION",
        domain: str | None = None,
        max_age: int | None = None,
        path: str = "/",
        secure: bool | None = None,
        httponly: bool = True,
        samesite: Literal["Lax", "Strict", "None"] | None = "Lax",
        encoder: Callable[[Any], str] = json.dumps,
        decoder: Callable[[str], Any] = json.loads,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cookie_name = cookie_name
        self._max_age = None if max_age is None else int(max_age)
        self._cookie_params: dict[str, Any] = {
            "domain": domain,
            "max_age": self._max_age,
            "path": path,
            "secure": secure,
            "httponly": httponly,
            "samesite": samesite,
        }
        self._encoder = encoder
        self._decoder = decoder
        self.clock = clock

    @property
    def cookie_name(self) -> str:
        """The name of the cookie."""
        return self._cookie_name

    @property
    def max_age(self) -> int | None:
        """The lifetime of a session in seconds, None for as long as the browser stays open."""
        return self._max_age

    @property
    def cookie_params(self) -> dict[str, Any]:
        """The cookie's attributes: domain, max_age, path, secure, httponly, samesite."""
        return self._cookie_params

    @property
    def encoder(self) -> Callable[[Any], str]:
        """What turns a session's data into text."""
        return self._encoder

    @property
    def decoder(self) -> Callable[[str], Any]:
        """What turns the text into data again."""
        return self._decoder

    async def new_session(self) -> Session:
        """A new, empty session."""
        return Session(None, data=None, new=True, max_age=self._max_age, now=self.clock())

    @abc.abstractmethod
    async def load_session(self, request: web.Request) -> Session:
        """The session that the request's cookie leads to, else a new one. Never raises for what
        the client sent.
        """

    @abc.abstractmethod
    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Keep `session` and set the cookie that leads to it; an empty one is forgotten, with its
        cookie. Called only for a session that changed. SessionTooLarge where there is too much.
        """

    def load_cookie(self, request: web.Request) -> str | None:
        """The value of the request's cookie, None where it has none."""
        return request.cookies.get(self._cookie_name)

    def save_cookie(
        self, response: web.StreamResponse, cookie_data: str, *, max_age: int | None = None
    ) -> None:
        """Set the cookie to `cookie_data`, or delete it where that is empty.

        `max_age` is its lifetime in seconds, the storage's where it is None. SessionTooLarge for
        a cookie that browsers would not keep.
        """
        name = self._cookie_name
        params = dict(self._cookie_params)
        secure = params.pop("secure")
        if not cookie_data:
            params.pop("max_age")
            response.del_cookie(name, secure=secure, **params)
            return
        if max_age is not None:
            params["max_age"] = max_age
        response.set_cookie(name, cookie_data, secure=secure, **params)
        size = len(name) + len(response.cookies[name].coded_value)
        if size > MAX_COOKIE:
            del response.cookies[name]
            raise SessionTooLarge(
                f"the session needs a cookie of {size} octets, and browsers keep {MAX_COOKIE}: "
                "put less into it, or use a storage on the server"
            )

    def dump(self, session: Session) -> str:
        """The session as text. TypeError, as `encoder` raises it, for what is no JSON."""
        return self._encoder(session.payload())

    def load(self, identity: Any, text: str) -> Session:
        """The session of what `dump` made; a new one for what is malformed or past its end."""
        try:
            data = self._decoder(text)
        except (ValueError, TypeError, RecursionError):
            data = None
        if data is None:
            data = ()  # no mapping, so that it is malformed rather than absent
        return Session(identity, data=data, new=False, max_age=self._max_age, now=self.clock())


class SimpleCookieStorage(AbstractStorage):
    """Keeps sessions in the cookie, for everybody to read and write: for tests only."""

    async def load_session(self, request: web.Request) -> Session:
        """The session in the cookie, else a new one."""
        cookie = self.load_cookie(request)
        if cookie is None:
            return await self.new_session()
        return self.load(None, cookie)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Write the session into the cookie."""
        text = "" if session.empty else self.dump(session)
        self.save_cookie(response, text, max_age=session.remaining(self.clock()))
