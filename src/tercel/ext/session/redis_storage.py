"""Sessions in Redis, by redis-py's asyncio client.

In: a client or a pool of connections, which stay the caller's to close. Out: a storage whose keys
are COOKIENAME_VALUEOFTHECOOKIE, such as AIOHTTP_SESSION_e33b57c7.... Redis itself drops what is
past its end. Needs `pip install tercel[session]`.
"""

from typing import Any

from redis.asyncio import ConnectionPool, Redis

from tercel.ext.session.server import ServerStorage

__all__ = ("RedisStorage",)


class RedisStorage(ServerStorage):
    """Keeps sessions in Redis (aiohttp_session's documentation, Redis Storage).

    `redis_pool` is a `redis.asyncio.Redis` or a `redis.asyncio.ConnectionPool`; TypeError for
    anything else. The other parameters are `ServerStorage`'s.
    """

    def __init__(self, redis_pool: Redis | ConnectionPool, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(redis_pool, ConnectionPool):
            redis_pool = Redis(connection_pool=redis_pool)
        if not isinstance(redis_pool, Redis):
            raise TypeError(
                "RedisStorage takes a redis.asyncio.Redis or a redis.asyncio.ConnectionPool, "
                f"got {type(redis_pool).__name__}"
            )
        self._redis: Any = redis_pool

    async def read(self, key: str) -> str | None:
        """The text under `key`."""
        value = await self._redis.get(self._name(key))
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return value  # type: ignore[no-any-return]

    async def write(self, key: str, text: str, seconds: int | None, *, existing: bool) -> bool:
        """Keep `text` under `key`; Redis forgets it after `seconds`."""
        return bool(await self._redis.set(self._name(key), text, ex=seconds, xx=existing))

    async def delete(self, key: str) -> None:
        """Forget what is under `key`."""
        await self._redis.delete(self._name(key))

    def _name(self, key: str) -> str:
        return f"{self._cookie_name}_{key}"
