"""Rates that several processes share, in Redis.

In: a `redis.asyncio.Redis`, which stays the caller's to close. Out: a store. One script looks and
takes in a single step, by Redis's own clock; Redis forgets a client once all is back.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tercel.ext.security.rates import Rate, RateStore, RateStoreError, Verdict

__all__ = ("RedisRates",)

_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step = tonumber(ARGV[1])
local capacity = tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]) or now)
if full_at < now then full_at = now end
local after = full_at + step
local wait = after - capacity - now
if wait > 0 then return {0, 0, full_at - now, wait} end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor((capacity - (after - now)) / step), after - now, 0}
"""


class RedisRates(RateStore):
    """Remembers under `prefix` and the client's key. RateStoreError where Redis does not answer in
    `timeout` seconds.
    """

    def __init__(self, redis: Redis, *, prefix: str = "rate:", timeout: float = 2.0) -> None:
        self._script: Any = redis.register_script(_SCRIPT)
        self._prefix = prefix
        self._timeout = timeout

    async def take(self, key: str, rate: Rate) -> Verdict:
        """Use one request of `key`."""
        step = rate.step
        try:
            async with asyncio.timeout(self._timeout):
                allowed, remaining, reset, wait = await self._script(
                    keys=[self._prefix + key], args=[step, step * rate.limit]
                )
        except (RedisError, OSError) as error:
            raise RateStoreError(f"Redis does not answer: {error!r}") from error
        return Verdict(bool(allowed), int(remaining), int(reset) / 1e6, int(wait) / 1e6)
