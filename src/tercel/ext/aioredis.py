"""What tutorials write for Redis, `await aioredis.create_redis_pool(...)`, on redis-py's client.

In: an address as aioredis 1 took it. Out: a `redis.asyncio.Redis` that also knows how aioredis 1
was closed. aioredis itself has become a part of redis-py. Needs `pip install tercel[session]`.
"""

from collections.abc import Generator
from typing import Any, cast

from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

__all__ = ("Redis", "RedisError", "create_pool", "create_redis", "create_redis_pool", "from_url")

Address = tuple[str, int] | list[Any] | str


class Redis(redis_asyncio.Redis):
    """redis-py's client. `close()` may be awaited, or be followed by `await wait_closed()`."""

    def close(self, *args: Any, **kwargs: Any) -> "_Closing":
        """Close all connections, once awaited."""
        return _Closing(self)

    async def wait_closed(self) -> None:
        """Close all connections."""
        await self.aclose()


class _Closing:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def __await__(self) -> Generator[Any, None, None]:
        return self._redis.aclose().__await__()


async def create_redis_pool(
    address: Address,
    *,
    db: int | None = None,
    password: str | None = None,
    ssl: Any = None,
    encoding: str | None = None,
    minsize: int = 1,
    maxsize: int = 10,
    timeout: float | None = None,
) -> Redis:
    """A client of the Redis at `address`, which has answered once.

    `address` is (host, port), a URL, or the path of a Unix socket; `encoding` has texts decoded,
    `maxsize` is how many connections there are at most (`minsize` is there for old code), `timeout`
    seconds to connect. Raises `redis.exceptions.RedisError` where nobody answers.
    """
    options: dict[str, Any] = {"max_connections": maxsize}
    if db is not None:
        options["db"] = db
    if password is not None:
        options["password"] = password
    if encoding is not None:
        options.update(encoding=encoding, decode_responses=True)
    if timeout is not None:
        options["socket_connect_timeout"] = timeout
    if isinstance(address, str):
        url = address if "://" in address else f"unix://{address}"
        redis = from_url(url, **options)
    else:
        host, port = address
        if ssl:
            options["ssl"] = True
        redis = Redis(host=host, port=port, **options)
    try:
        await redis.ping()
    except BaseException:
        await redis.aclose()
        raise
    return redis


create_pool = create_redis = create_redis_pool


def from_url(url: str, **options: Any) -> Redis:
    """As `redis.asyncio.from_url`."""
    return cast(Redis, Redis.from_url(url, **options))
