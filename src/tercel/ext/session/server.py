"""Sessions that stay on the server: the cookie holds a random key and nothing else.

In: three coroutines of a subclass: read, write and delete a text by its key. Out: a storage. A
session that was deleted stays deleted, also when a slower request of its client ends later; one
that got another identity leaves nothing under the old one.
"""

import abc
import re
import uuid
from collections.abc import Callable
from typing import Any

from tercel import web
from tercel.ext.session.state import Session
from tercel.ext.session.storage import AbstractStorage, SessionTooLarge

__all__ = ("ServerStorage",)

# What a key may look like; anything else in a cookie was not made here.
_KEY = re.compile(r"[A-Za-z0-9._~-]{16,128}")


class ServerStorage(AbstractStorage):
    """The common part of the storages on a server.

    `key_factory` makes the key of a new session: 16 to 128 of the characters A-Z a-z 0-9 . _ ~ -,
    which nobody can guess. `max_size` is the size of a session as text, in characters. `keep` is
    for how many seconds after its last change a session is kept that has no `max_age`; None keeps
    it for ever. The other parameters are `AbstractStorage`'s.
    """

    def __init__(
        self,
        *,
        key_factory: Callable[[], str] = lambda: uuid.uuid4().hex,
        max_size: int = 65536,
        keep: int | None = 30 * 24 * 3600,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._key_factory = key_factory
        self._max_size = max_size
        self._keep = keep

    @abc.abstractmethod
    async def read(self, key: str) -> str | None:
        """The text under `key`, None where there is none or where its seconds are over."""

    @abc.abstractmethod
    async def write(self, key: str, text: str, seconds: int | None, *, existing: bool) -> bool:
        """Keep `text` under `key` for `seconds`, None for ever.

        With `existing`, only where something is kept under `key` already, in one step with the
        look. True if it was kept.
        """

    @abc.abstractmethod
    async def delete(self, key: str) -> None:
        """Forget what is under `key`, if anything."""

    async def load_session(self, request: web.Request) -> Session:
        """The session under the cookie's key, else a new one."""
        key = self._find_key(request)
        text = None if key is None else await self.read(key)
        if text is None:
            return await self.new_session()
        return self.load(key, text)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Keep the session and set the cookie to its key."""
        old = self._find_key(request)
        if session.empty:
            if old is not None:
                await self.delete(old)
            if self.load_cookie(request) is not None:
                self.save_cookie(response, "")
            return
        text = self.dump(session)
        if len(text) > self._max_size:
            raise SessionTooLarge(
                f"the session is {len(text)} characters long, and {self._max_size} are kept: "
                "put less into it"
            )
        key = None if session.is_renewed and not session.new else session.identity
        existing = key is not None and not session.new
        if key is None:
            key = self._key_factory()
        remaining = session.remaining(self.clock())
        seconds = self._keep if remaining is None else remaining
        if seconds == 0:
            await self.delete(key)
            self.save_cookie(response, "")
            return
        if not await self.write(key, text, seconds, existing=existing):
            return  # deleted by another request meanwhile, whose answer took the cookie away
        if old is not None and old != key:
            await self.delete(old)
        self.save_cookie(response, key, max_age=remaining)

    def _find_key(self, request: web.Request) -> str | None:
        cookie = self.load_cookie(request)
        return cookie if cookie is not None and _KEY.fullmatch(cookie) else None
