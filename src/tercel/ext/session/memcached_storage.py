"""Sessions in Memcached, by aiomcache's client.

In: a client, which stays the caller's to close. Out: a storage whose keys are
COOKIENAME_VALUEOFTHECOOKIE. Memcached drops what is past its end, and what it has no room for.
Needs `pip install aiomcache`.
"""

import time
from typing import Any

from aiomcache import Client

from tercel.ext.session.server import ServerStorage

__all__ = ("MemcachedStorage",)

_MONTH = 30 * 24 * 3600  # seconds from which on Memcached takes a number for a date


class MemcachedStorage(ServerStorage):
    """Keeps sessions in Memcached (aiohttp_session's documentation, Memcached Storage).

    `memcached_conn` is an `aiomcache.Client`. The other parameters are `ServerStorage`'s.
    """

    def __init__(self, memcached_conn: Client, **options: Any) -> None:
        super().__init__(**options)
        self._client: Any = memcached_conn

    async def read(self, key: str) -> str | None:
        """The text under `key`."""
        value: bytes | None = await self._client.get(self._name(key))
        return None if value is None else value.decode("utf-8", "replace")

    async def write(self, key: str, text: str, seconds: int | None, *, existing: bool) -> bool:
        """Keep `text` under `key`; Memcached forgets it after `seconds`."""
        end = seconds or 0
        if end > _MONTH:
            end += int(time.time())
        store = self._client.replace if existing else self._client.set
        return bool(await store(self._name(key), text.encode(), exptime=end))

    async def delete(self, key: str) -> None:
        """Forget what is under `key`."""
        await self._client.delete(self._name(key))

    def _name(self, key: str) -> bytes:
        return f"{self._cookie_name}_{key}".encode()
