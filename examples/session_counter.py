"""A counter that each visitor has for themselves, kept in Redis.

`python examples/session_counter.py redis://127.0.0.1:6379` (needs redis), then open
http://127.0.0.1:8080 and reload. In Redis it stands under a key that begins with AIOHTTP_SESSION_;
the visitor's cookie holds nothing but the rest of that key.
"""

import sys
import time
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from tercel import web
from tercel.ext.session import get_session, setup
from tercel.ext.session.redis_storage import RedisStorage


async def count(request: web.Request) -> web.Response:
    session = await get_session(request)
    last_visit = session.get("last_visit")
    session["last_visit"] = time.strftime("%H:%M:%S")
    session["visits"] = session.get("visits", 0) + 1
    return web.Response(text=f"Visits: {session['visits']}\nLast visited: {last_visit}\n")


async def forget(request: web.Request) -> web.Response:
    (await get_session(request)).invalidate()
    raise web.HTTPSeeOther("/")


def make_app(url: str) -> web.Application:
    app = web.Application()
    redis = Redis.from_url(url)

    async def connection(app: web.Application) -> AsyncIterator[None]:
        await redis.ping()
        yield
        await redis.aclose()

    app.cleanup_ctx.append(connection)
    setup(app, RedisStorage(redis, max_age=3600))
    app.add_routes([web.get("/", count), web.post("/forget", forget)])
    return app


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python session_counter.py redis://HOST:PORT")
    web.run_app(make_app(sys.argv[1]), host="127.0.0.1", port=8080)
